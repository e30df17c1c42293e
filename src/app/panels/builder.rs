//! Figures built beside the window, on one thread for all of them: contours,
//! smoothed densities and the pixels of images are computation, and the window
//! does not compute.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::Context;

use crate::engine::{Priority, set_thread_priority};

type Work = Box<dyn FnOnce() + Send>;

/// Pieces of work that may wait: many more than there are figures.
const ROOM: usize = 256;

/// Where the thread takes its work from; nothing where the system refused it.
/// Each figure on the screen has at most one piece of work here.
static BUILDER: LazyLock<Option<Sender<Work>>> = LazyLock::new(|| {
    let (sender, work) = bounded::<Work>(ROOM);
    std::thread::Builder::new()
        .name("figures".to_owned())
        .spawn(move || {
            set_thread_priority(Priority::Watched);
            for work in work {
                // Whoever waits notices that nothing comes.
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        })
        .map_err(|error| tracing::warn!("figures are built by the window itself: {error}"))
        .ok()
        .map(|_| sender)
});

/// Does the work on the builder's thread and wakes the window when it is done.
/// The receiver is disconnected where the work broke down.
pub(super) fn build<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce() -> T + Send + 'static,
) -> Receiver<T> {
    let (sender, receiver) = bounded(1);
    let context = context.clone();
    let work: Work = Box::new(move || {
        let built = work();
        // The panel may be gone.
        let _ = sender.send(built);
        drop(sender);
        context.request_repaint();
    });
    let left = match &*BUILDER {
        Some(builder) => builder.try_send(work).err().map(|full| full.into_inner()),
        None => Some(work),
    };
    if let Some(work) = left {
        work();
    }
    receiver
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_breaks_down_does_not_keep_others_from_being_built() {
        let context = Context::default();
        let broken = build(&context, || -> i32 { panic!("on purpose") });
        let sound = build(&context, || 6 * 7);
        assert_eq!(sound.recv_timeout(Duration::from_secs(10)), Ok(42));
        assert!(broken.recv_timeout(Duration::from_secs(10)).is_err());
    }
}

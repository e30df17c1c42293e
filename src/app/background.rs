//! Work that would make the window wait, on a thread of its own: reading and
//! writing files, asking for a file name, giving back much memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use eframe::egui;

/// A piece of work and, later, what came of it. Dropping it lets the work end
/// by itself; nobody hears of it any more.
pub struct Task<T> {
    answer: Receiver<T>,
}

/// Where a task stands.
pub enum Progress<T> {
    /// It still works.
    Working,
    /// It is done.
    Done(T),
    /// It ended without an answer.
    Lost,
}

impl<T: Send + 'static> Task<T> {
    /// Starts the work on a thread of this name and wakes the window at its end.
    ///
    /// # Errors
    /// Where the system refuses a thread.
    pub fn start(
        name: &str,
        ctx: &egui::Context,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, answer) = bounded(1);
        let ctx = ctx.clone();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
                    // Nobody may want it any more.
                    let _ = sender.send(result);
                }
                ctx.request_repaint();
            })?;
        Ok(Self { answer })
    }

    /// What came of it, without waiting.
    pub fn poll(&self) -> Progress<T> {
        match self.answer.try_recv() {
            Ok(result) => Progress::Done(result),
            Err(TryRecvError::Empty) => Progress::Working,
            Err(TryRecvError::Disconnected) => Progress::Lost,
        }
    }
}

/// Drops what may hold millions of rows.
pub fn discard<T: Send + 'static>(old: T) {
    let work = std::thread::Builder::new().name("discard".to_owned());
    // Where the system refuses a thread the closure is dropped here, and `old`
    // with it.
    let _ = work.spawn(move || drop(old));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn wait<T: Send + 'static>(task: &Task<T>) -> Progress<T> {
        let start = Instant::now();
        loop {
            match task.poll() {
                Progress::Working if start.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                other => return other,
            }
        }
    }

    #[test]
    fn an_answer_comes_once() {
        let ctx = egui::Context::default();
        let task = Task::start("test", &ctx, || 6 * 7).expect("a thread");
        assert!(matches!(wait(&task), Progress::Done(42)));
        // The thread may still be about to end.
        assert!(matches!(wait(&task), Progress::Lost));
    }

    #[test]
    fn a_panic_is_an_answer_lost() {
        let ctx = egui::Context::default();
        let task = Task::<()>::start("test", &ctx, || panic!("on purpose")).expect("a thread");
        assert!(matches!(wait(&task), Progress::Lost));
    }
}

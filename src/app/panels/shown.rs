//! A figure on the screen, built anew only when what it shows has changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, TryRecvError};
use eframe::egui::{Id, Ui};

use super::builder;
use crate::app::plot::{FigureResponse, FigureView, Options};
use crate::engine::RunId;
use crate::figure::Figure;

/// Seconds between two figures while numbers keep coming.
const INTERVAL: f64 = 1.0 / 15.0;

/// A piece of work that makes a figure, with everything that it needs.
pub(super) type Plan = Box<dyn FnOnce() -> Figure + Send>;

/// A figure and what it was built from.
pub(super) struct Shown<K> {
    /// The view of the figure, with its zooms.
    pub view: FigureView,
    figure: Option<Arc<Figure>>,
    key: Option<K>,
    settings: u64,
    built: f64,
    run: Option<RunId>,
    /// The figure that is being built beside the window.
    coming: Option<Coming<K>>,
}

struct Coming<K> {
    figure: Receiver<Arc<Figure>>,
    key: K,
    settings: u64,
}

impl<K> Default for Shown<K> {
    fn default() -> Self {
        Self {
            view: FigureView::new(),
            figure: None,
            key: None,
            settings: 0,
            built: f64::NEG_INFINITY,
            run: None,
            coming: None,
        }
    }
}

impl<K: PartialEq> Shown<K> {
    /// Shows another run from now on: zooms into the one before mean nothing.
    pub fn of_run(&mut self, run: RunId) {
        if self.run.replace(run).is_some_and(|before| before != run) {
            self.view.fit();
        }
    }

    /// Forgets the figure.
    pub fn clear(&mut self) {
        self.figure = None;
        self.key = None;
        self.coming = None;
    }

    fn is_of(&self, key: &K, settings: u64) -> bool {
        self.figure.is_some() && self.key.as_ref() == Some(key) && self.settings == settings
    }

    /// Whether the next figure has to wait: data come at most some 15 times a
    /// second, settings at once.
    fn is_early(&self, ui: &Ui, settings: u64, now: f64) -> bool {
        let wait = self.built + INTERVAL - now;
        let early = self.figure.is_some() && self.settings == settings && wait > 0.0;
        if early {
            let wait = std::time::Duration::from_secs_f64(wait.clamp(0.001, INTERVAL));
            ui.ctx().request_repaint_after(wait);
        }
        early
    }

    /// The figure that is shown.
    pub fn figure(&self) -> Option<&Arc<Figure>> {
        self.figure.as_ref()
    }

    /// Has the figure built anew if its data (`key`) or settings (a number that
    /// stands for them) are others than before: on another thread, and the one
    /// before is shown until it comes. `plan` is asked for the work only when
    /// there is something to build; one figure is built at a time, and then the
    /// newest.
    pub fn follow(&mut self, ui: &Ui, key: K, settings: u64, plan: impl FnOnce() -> Option<Plan>) {
        if let Some(coming) = &self.coming {
            match coming.figure.try_recv() {
                Ok(figure) => {
                    self.figure = Some(figure);
                    if let Some(Coming { key, settings, .. }) = self.coming.take() {
                        self.key = Some(key);
                        self.settings = settings;
                    }
                }
                Err(TryRecvError::Empty) => return,
                // It broke down, as the next one with the same data would.
                Err(TryRecvError::Disconnected) => {
                    if let Some(Coming { key, settings, .. }) = self.coming.take() {
                        self.figure.get_or_insert_default();
                        self.key = Some(key);
                        self.settings = settings;
                    }
                }
            }
        }
        let now = ui.input(|input| input.time);
        if self.is_of(&key, settings) || self.is_early(ui, settings, now) {
            return;
        }
        let Some(plan) = plan() else { return };
        self.built = now;
        self.coming = Some(Coming {
            figure: builder::build(ui.ctx(), move || Arc::new(plan())),
            key,
            settings,
        });
    }

    /// Draws the figure over the room there is.
    pub fn show(&mut self, ui: &mut Ui, id: &str, options: &Options) -> FigureResponse {
        match &self.figure {
            Some(figure) => self.view.show(ui, Id::unique(id), figure, options),
            None => FigureResponse::default(),
        }
    }

    /// A figure in full detail as the one on screen is seen.
    pub fn as_seen(&self, figure: Figure) -> Figure {
        self.view.as_seen(figure)
    }
}

/// Curves that the window extends and the builder draws, one after the other.
pub(super) struct Growing<T>(Arc<Mutex<T>>);

impl<T> Growing<T> {
    /// The curves; a figure that broke down has left them as they were. Waits
    /// only for a figure that nobody waits for any more.
    pub fn get(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Growing<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Growing<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// How many columns of pixels there are for a curve, which needs no more points
/// than they can tell apart.
pub(super) fn pixel_columns(ui: &Ui) -> usize {
    ((ui.available_width() * ui.ctx().pixels_per_point()) as usize).max(64)
}

/// A number that stands for settings: another one where they differ.
pub(super) fn fingerprint(settings: &impl std::fmt::Debug) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    format!("{settings:?}").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Follows until a figure of this description stands.
    fn until(shown: &mut Shown<u64>, ui: &Ui, key: u64, built: &str) {
        let start = Instant::now();
        while shown.figure.as_ref().map(|figure| &*figure.description) != Some(built) {
            assert!(start.elapsed() < Duration::from_secs(10), "never {built}");
            shown.follow(ui, key, 0, || {
                Some(Box::new(move || {
                    Figure::default().described(format!("{key}"))
                }))
            });
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_figure_is_built_beside_the_window_and_the_newest_stays() {
        let mut done = false;
        let mut harness = egui_kittest::Harness::new_ui(move |ui| {
            if std::mem::replace(&mut done, true) {
                return;
            }
            let mut shown = Shown::<u64>::default();
            let (hold, held) = crossbeam_channel::bounded::<()>(1);
            shown.follow(ui, 1, 0, || {
                Some(Box::new(move || {
                    let _ = held.recv_timeout(Duration::from_secs(10));
                    Figure::default().described("1")
                }))
            });
            assert!(shown.figure.is_none());
            // Nothing else is begun meanwhile.
            shown.follow(ui, 2, 0, || panic!("one figure at a time"));
            hold.send(()).unwrap();
            until(&mut shown, ui, 1, "1");
            shown.built = f64::NEG_INFINITY;
            until(&mut shown, ui, 2, "2");
            // One that breaks down leaves the one before.
            shown.built = f64::NEG_INFINITY;
            shown.follow(ui, 3, 0, || Some(Box::new(|| panic!("on purpose"))));
            let start = Instant::now();
            while shown.coming.is_some() && start.elapsed() < Duration::from_secs(10) {
                shown.follow(ui, 3, 0, || panic!("not again"));
            }
            assert_eq!(shown.figure.as_ref().unwrap().description, "2");
        });
        harness.run();
    }
}

//! A figure on the screen, built anew only when what it shows has changed.

use std::sync::Arc;

use eframe::egui::{Id, Ui};

use crate::app::plot::{FigureResponse, FigureView, Options};
use crate::engine::RunId;
use crate::figure::Figure;

/// Seconds between two figures while numbers keep coming.
const INTERVAL: f64 = 1.0 / 15.0;

/// A figure and what it was built from.
pub(super) struct Shown<K> {
    /// The view of the figure, with its zooms.
    pub view: FigureView,
    figure: Option<Arc<Figure>>,
    key: Option<K>,
    settings: u64,
    built: f64,
    run: Option<RunId>,
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
    }

    /// Builds the figure anew if its data (`key`) or settings (a number that
    /// stands for them) are others than before: at once for settings, at most
    /// some 15 times a second for data.
    pub fn update(
        &mut self,
        ui: &Ui,
        key: K,
        settings: u64,
        build: impl FnOnce(&FigureView) -> Figure,
    ) {
        if self.figure.is_some() && self.key.as_ref() == Some(&key) && self.settings == settings {
            return;
        }
        let now = ui.input(|input| input.time);
        let wait = self.built + INTERVAL - now;
        if self.figure.is_some() && self.settings == settings && wait > 0.0 {
            let wait = std::time::Duration::from_secs_f64(wait.clamp(0.001, INTERVAL));
            ui.ctx().request_repaint_after(wait);
            return;
        }
        self.figure = Some(Arc::new(build(&self.view)));
        self.key = Some(key);
        self.settings = settings;
        self.built = now;
    }

    /// The figure that is shown.
    pub fn figure(&self) -> Option<&Arc<Figure>> {
        self.figure.as_ref()
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

/// A number that stands for settings: another one where they differ.
pub(super) fn fingerprint(settings: &impl std::fmt::Debug) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    format!("{settings:?}").hash(&mut hasher);
    hasher.finish()
}

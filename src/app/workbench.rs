//! The views in the middle: tiles that can be dragged, tabbed, resized and
//! maximised, each with its title and a menu.

use std::collections::BTreeMap;

use eframe::egui;
use egui::{Align, Layout, Stroke, Ui, UiBuilder, WidgetText, vec2};
use egui_tiles::{
    EditAction, SimplificationOptions, TabState, Tile, TileId, Tiles, Tree, UiResponse,
};
use strum::IntoEnumIterator as _;

use super::icons::{Icon, IconButton};
use super::panels::{self, Panel, PanelKind};
use super::surface::Shot;
use super::theme::{self, HALF, Palette, UNIT};
use super::workspace::Workspace;
use crate::figure::Figure;

/// The name of the tree among egui's ids.
const TREE: &str = "workbench";
/// The height of a tile's title bar.
const BAR_HEIGHT: f32 = 28.0;

/// What a tile's menu asks the shell to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Export the figure of this view.
    Export(PanelKind),
    /// Put the figure of this view on the clipboard as a picture.
    Copy(PanelKind),
    /// Show the numbers of this view's figure.
    Table(PanelKind),
    /// Explain this view.
    Help(PanelKind),
}

/// The views and their arrangement.
pub struct Workbench {
    tree: Tree<PanelKind>,
    panels: BTreeMap<PanelKind, Box<dyn Panel>>,
    focused: PanelKind,
    maximised: Option<PanelKind>,
}

impl Default for Workbench {
    fn default() -> Self {
        Self {
            tree: default_tree(),
            panels: PanelKind::iter()
                .map(|kind| (kind, panels::new(kind)))
                .collect(),
            focused: PanelKind::Landscape,
            maximised: None,
        }
    }
}

/// Loss over spectrum and stability on the left, the landscape and paths over data and
/// gradients on the right.
fn default_tree() -> Tree<PanelKind> {
    let mut tiles = Tiles::default();
    let tabs = |tiles: &mut Tiles<PanelKind>, kinds: &[PanelKind]| {
        let children: Vec<TileId> = kinds.iter().map(|kind| tiles.insert_pane(*kind)).collect();
        tiles.insert_tab_tile(children)
    };
    let loss = tabs(&mut tiles, &[PanelKind::Loss]);
    let spectrum = tabs(&mut tiles, &[PanelKind::Spectrum, PanelKind::Stability]);
    let landscape = tabs(
        &mut tiles,
        &[
            PanelKind::Landscape,
            PanelKind::Paths,
            PanelKind::Race,
            PanelKind::Neighbourhood,
        ],
    );
    let data = tabs(
        &mut tiles,
        &[PanelKind::Data, PanelKind::Gradients, PanelKind::Signals],
    );
    let left = tiles.insert_vertical_tile(vec![loss, spectrum]);
    let right = tiles.insert_vertical_tile(vec![landscape, data]);
    let root = tiles.insert_horizontal_tile(vec![left, right]);
    Tree::new(egui::Id::unique(TREE), root, tiles)
}

/// Whether there is too little room for several tiles whose labels can be read.
fn is_small(ui: &Ui) -> bool {
    let scale = egui::TextStyle::Body.resolve(ui.style()).size / theme::TEXT_SIZES[1];
    let room = ui.available_size() / scale;
    room.x < 600.0 || room.y < 420.0
}

/// Puts the views that a stored tree of an earlier version does not know beside
/// those that they share a tile with at the first start.
fn complete(tree: &mut Tree<PanelKind>) {
    let defaults = default_tree();
    for missing in PanelKind::iter() {
        if tree.tiles.find_pane(&missing).is_some() {
            continue;
        }
        // The tile of the first of its neighbours there, or any with tabs.
        let beside = defaults
            .tiles
            .find_pane(&missing)
            .and_then(|pane| defaults.tiles.parent_of(pane))
            .and_then(|tile| match defaults.tiles.get(tile) {
                Some(Tile::Container(container)) => container
                    .children()
                    .filter_map(|child| defaults.tiles.get_pane(child))
                    .find_map(|kind| tree.tiles.find_pane(kind)),
                _ => None,
            })
            .or_else(|| PanelKind::iter().find_map(|kind| tree.tiles.find_pane(&kind)));
        let Some(tile) = beside.and_then(|pane| tree.tiles.parent_of(pane)) else {
            continue;
        };
        let pane = tree.tiles.insert_pane(missing);
        match tree.tiles.get_mut(tile) {
            Some(Tile::Container(container)) => container.add_child(pane),
            _ => {
                tree.tiles.remove(pane);
            }
        }
    }
}

/// Whether a stored tree shows every view once and nothing else.
fn is_sound(tree: &Tree<PanelKind>) -> bool {
    let mut reached = Vec::new();
    let Some(root) = tree.root() else {
        return false;
    };
    let mut waiting = vec![root];
    let mut visited = 0;
    while let Some(id) = waiting.pop() {
        visited += 1;
        if visited > 64 {
            return false;
        }
        match tree.tiles.get(id) {
            Some(Tile::Pane(kind)) => reached.push(*kind),
            Some(Tile::Container(container)) => waiting.extend(container.children().copied()),
            None => return false,
        }
    }
    reached.sort_unstable();
    let mut all: Vec<_> = PanelKind::iter().collect();
    all.sort_unstable();
    reached == all
}

impl Workbench {
    /// The view that keys and the export refer to.
    pub fn focused(&self) -> PanelKind {
        self.maximised.unwrap_or(self.focused)
    }

    /// The view that fills the centre, if one does.
    pub fn maximised(&self) -> Option<PanelKind> {
        self.maximised
    }

    /// Brings a view forward.
    pub fn focus(&mut self, kind: PanelKind) {
        self.focused = kind;
        if self.maximised.is_some() {
            self.maximised = Some(kind);
        }
        self.tree
            .make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == kind));
    }

    /// Lets the focused view fill the centre, or brings the others back.
    pub fn toggle_maximised(&mut self) {
        self.maximised = match self.maximised {
            Some(_) => None,
            None => Some(self.focused),
        };
    }

    /// Brings the others back.
    pub fn restore(&mut self) {
        self.maximised = None;
    }

    /// The arrangement of the first start.
    pub fn reset_layout(&mut self) {
        self.tree = default_tree();
        self.maximised = None;
    }

    /// The figure of a view, if it has one now.
    pub fn figure(&self, kind: PanelKind, ws: &Workspace) -> Option<Figure> {
        self.panels.get(&kind).and_then(|panel| panel.figure(ws))
    }

    /// What a view shows in space instead of its figure, if it does.
    pub fn shot(&self, kind: PanelKind) -> Option<Shot> {
        self.panels.get(&kind).and_then(|panel| panel.shot())
    }

    /// The title of a view.
    pub fn title(&self, kind: PanelKind, ws: &Workspace) -> String {
        self.panels
            .get(&kind)
            .map_or_else(String::new, |panel| panel.title(ws))
    }

    /// The arrangement, to be stored.
    pub fn layout(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(&self.tree)
    }

    /// Takes a stored arrangement, if it is one of today's views.
    pub fn set_layout(&mut self, layout: serde_json::Value) -> bool {
        let tree = serde_json::from_value::<Tree<PanelKind>>(layout)
            .ok()
            .map(|mut tree| {
                complete(&mut tree);
                tree
            })
            .filter(is_sound);
        match tree {
            Some(tree) => {
                self.tree = tree;
                true
            }
            None => false,
        }
    }

    /// The settings of all views, to be stored.
    pub fn panel_settings(&self) -> BTreeMap<String, serde_json::Value> {
        self.panels
            .iter()
            .filter_map(|(kind, panel)| Some((kind.to_string(), panel.save()?)))
            .collect()
    }

    /// Takes stored settings; a view whose settings are of another version
    /// keeps its defaults.
    pub fn set_panel_settings(&mut self, settings: &BTreeMap<String, serde_json::Value>) {
        for (kind, panel) in &mut self.panels {
            if let Some(stored) = settings.get(&kind.to_string()) {
                panel.restore(stored);
            }
        }
    }

    /// Shows the views.
    pub fn ui(&mut self, ui: &mut Ui, ws: &mut Workspace) -> Vec<Request> {
        let mut behavior = Behavior {
            ws,
            panels: &mut self.panels,
            focused: self.focused,
            maximise: None,
            requests: Vec::new(),
        };
        if let Some(kind) = self.maximised {
            behavior.maximised_ui(ui, kind);
        } else if is_small(ui) {
            behavior.compact_ui(ui);
        } else {
            self.tree.ui(&mut behavior, ui);
        }
        let Behavior {
            focused,
            maximise,
            requests,
            ..
        } = behavior;
        self.focused = focused;
        if let Some(kind) = maximise {
            self.focused = kind;
            self.toggle_maximised();
        }
        requests
    }
}

struct Behavior<'a> {
    ws: &'a mut Workspace,
    panels: &'a mut BTreeMap<PanelKind, Box<dyn Panel>>,
    focused: PanelKind,
    maximise: Option<PanelKind>,
    requests: Vec<Request>,
}

impl Behavior<'_> {
    fn body(&mut self, ui: &mut Ui, kind: PanelKind) {
        let rect = ui.max_rect();
        ui.painter()
            .rect_filled(rect, 0.0, Palette::of(ui.visuals()).paper);
        if ui.input(|input| input.pointer.any_pressed()) && ui.rect_contains_pointer(rect) {
            self.focused = kind;
        }
        let mut inner = ui.new_child(
            UiBuilder::new()
                .id_salt(kind)
                .max_rect(rect.shrink(HALF))
                .layout(Layout::top_down(Align::Min)),
        );
        inner.set_clip_rect(rect.intersect(ui.clip_rect()));
        if let Some(panel) = self.panels.get_mut(&kind) {
            panel.ui(&mut inner, self.ws);
        }
    }

    /// One view at a time, for small windows: all views are tabs of one bar.
    fn compact_ui(&mut self, ui: &mut Ui) {
        let rect = ui.available_rect_before_wrap();
        let (bar, body) = rect.split_top_bottom_at_y(rect.top() + BAR_HEIGHT);
        let palette = Palette::of(ui.visuals());
        ui.painter().rect_filled(bar, 0.0, palette.panel);
        let mut bar_ui = ui.new_child(
            UiBuilder::new()
                .max_rect(bar)
                .layout(Layout::right_to_left(Align::Center)),
        );
        self.menu_button(&mut bar_ui, self.focused);
        bar_ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            egui::ScrollArea::horizontal()
                .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.x = 0.0;
                    for kind in PanelKind::iter() {
                        let title = self.title(kind);
                        if ui.selectable_label(kind == self.focused, title).clicked() {
                            self.focused = kind;
                        }
                    }
                });
        });
        let mut body_ui = ui.new_child(UiBuilder::new().max_rect(body));
        self.body(&mut body_ui, self.focused);
        ui.advance_cursor_after_rect(rect);
    }

    /// One view over the whole centre, under a bar like that of a tile.
    fn maximised_ui(&mut self, ui: &mut Ui, kind: PanelKind) {
        let rect = ui.available_rect_before_wrap();
        let (bar, body) = rect.split_top_bottom_at_y(rect.top() + BAR_HEIGHT);
        let palette = Palette::of(ui.visuals());
        ui.painter().rect_filled(bar, 0.0, palette.paper);
        let mut bar_ui = ui.new_child(
            UiBuilder::new()
                .max_rect(bar.shrink2(vec2(UNIT, 0.0)))
                .layout(Layout::left_to_right(Align::Center)),
        );
        let title = self.title(kind);
        bar_ui.label(theme::strong(title));
        bar_ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            self.bar_buttons(ui, kind, true);
        });
        let mut body_ui = ui.new_child(UiBuilder::new().max_rect(body));
        self.body(&mut body_ui, kind);
        ui.advance_cursor_after_rect(rect);
    }

    fn title(&self, kind: PanelKind) -> String {
        self.panels
            .get(&kind)
            .map_or_else(String::new, |panel| panel.title(self.ws))
    }

    /// The buttons at the right end of a title bar, from right to left.
    fn bar_buttons(&mut self, ui: &mut Ui, kind: PanelKind, maximised: bool) {
        ui.spacing_mut().item_spacing.x = 0.0;
        let title = self.title(kind);
        let (icon, name) = if maximised {
            (Icon::Restore, format!("Restore {title}"))
        } else {
            (Icon::Maximise, format!("Maximise {title}"))
        };
        let side = egui::Vec2::splat(BAR_HEIGHT - HALF);
        let hint = if maximised {
            "Bring the other views back (F)"
        } else {
            "Fill the centre with this view (F)"
        };
        if ui
            .add(IconButton::new(icon, &name).size(side))
            .on_hover_text(hint)
            .clicked()
        {
            self.maximise = Some(kind);
        }
        self.menu_button(ui, kind);
    }

    fn menu_button(&mut self, ui: &mut Ui, kind: PanelKind) {
        let name = format!("{} menu", self.title(kind));
        let side = egui::Vec2::splat(BAR_HEIGHT - HALF);
        let menu = ui
            .add(IconButton::new(Icon::More, &name).size(side))
            .on_hover_text("Settings, export, copy, data, help");
        egui::Popup::menu(&menu)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| self.menu_ui(ui, kind));
    }

    fn menu_ui(&mut self, ui: &mut Ui, kind: PanelKind) {
        ui.set_min_width(200.0);
        if let Some(panel) = self.panels.get_mut(&kind) {
            panel.settings_menu(ui, self.ws);
            ui.separator();
        }
        let has_figure = self.ws.run().is_some() || kind == PanelKind::Race;
        for (text, request, enabled) in [
            ("Export figure…", Request::Export(kind), has_figure),
            ("Copy as a picture", Request::Copy(kind), has_figure),
            ("Show the numbers…", Request::Table(kind), has_figure),
            ("What this shows…", Request::Help(kind), true),
        ] {
            let response = ui
                .add_enabled(enabled, egui::Button::new(text))
                .on_disabled_hover_text("There is nothing to show yet");
            if response.clicked() {
                self.requests.push(request);
                ui.close();
            }
        }
    }
}

impl egui_tiles::Behavior<PanelKind> for Behavior<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, kind: &mut PanelKind) -> UiResponse {
        self.body(ui, *kind);
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, kind: &PanelKind) -> WidgetText {
        self.title(*kind).into()
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<PanelKind>,
        ui: &mut Ui,
        _tile: TileId,
        tabs: &egui_tiles::Tabs,
        _scroll: &mut f32,
    ) {
        let active = tabs.active.and_then(|id| tiles.get_pane(&id)).copied();
        if let Some(kind) = active {
            ui.add_space(HALF / 2.0);
            self.bar_buttons(ui, kind, false);
        }
    }

    fn on_edit(&mut self, _action: EditAction) {}

    fn on_tab_button(
        &mut self,
        tiles: &mut Tiles<PanelKind>,
        tile: TileId,
        response: egui::Response,
    ) -> egui::Response {
        if response.clicked()
            && let Some(kind) = tiles.get_pane(&tile)
        {
            self.focused = *kind;
        }
        response
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..SimplificationOptions::default()
        }
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        BAR_HEIGHT
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        HALF
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        Palette::of(visuals).panel
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<PanelKind>,
        _tile: TileId,
        state: &TabState,
    ) -> egui::Color32 {
        if state.active {
            Palette::of(visuals).paper
        } else {
            egui::Color32::TRANSPARENT
        }
    }

    fn tab_outline_stroke(
        &self,
        _visuals: &egui::Visuals,
        _tiles: &Tiles<PanelKind>,
        _tile: TileId,
        _state: &TabState,
    ) -> Stroke {
        Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, _visuals: &egui::Visuals) -> Stroke {
        Stroke::NONE
    }

    fn tab_text_color(
        &self,
        visuals: &egui::Visuals,
        tiles: &Tiles<PanelKind>,
        tile: TileId,
        state: &TabState,
    ) -> egui::Color32 {
        let palette = Palette::of(visuals);
        if state.active && tiles.get_pane(&tile) == Some(&self.focused) {
            palette.accent
        } else if state.active {
            palette.strong
        } else {
            palette.weak
        }
    }

    fn tab_title_spacing(&self, _visuals: &egui::Visuals) -> f32 {
        1.5 * UNIT
    }

    fn resize_stroke(&self, style: &egui::Style, state: egui_tiles::ResizeState) -> Stroke {
        let palette = Palette::of(&style.visuals);
        let color = match state {
            egui_tiles::ResizeState::Idle => palette.canvas,
            _ => palette.accent,
        };
        Stroke::new(self.gap_width(style) / 2.0, color)
    }

    fn is_tab_bar_visible(&self, _tile: TileId, _tabs: &egui_tiles::Tabs) -> bool {
        true
    }
}

/// What a view shows and how to read it.
pub fn help(kind: PanelKind) -> &'static [&'static str] {
    match kind {
        PanelKind::Loss => &[
            "The loss of every step: of the training batch, and of the validation set where it \
             was measured. The pale line is the raw loss, the strong one is smoothed; a peak is \
             never left out.",
            "Earlier runs lie under the current one. The gap between training and validation is \
             what the network learned by heart.",
        ],
        PanelKind::Landscape => &[
            "The loss on a plane through the parameters, along two random directions that are \
             scaled filter by filter to the parameters (Li et al., 2018), so that sharpness can be \
             compared between networks.",
            "The line is the way that training took, projected on the plane. The share of it that \
             lies outside the plane, and the error of the loss that this makes, are written below.",
            "Drag the ball, or press the other mouse button anywhere, and training goes on from \
             there in a run of its own. With \u{201c}section\u{201d} a drag draws a straight line over the \
             map, and the values along it stand below.",
            "3-D shows the plane as a surface: its height and its colours are the loss, the path lies \
             on it, holes are points whose loss is not a number. Drag to turn it, use the wheel or \
             pinch to zoom, drag with Shift or another button to move it, double-click to go back. \
             After a click on it also: arrow keys, + and \u{2212}, 0 or Home.",
        ],
        PanelKind::Spectrum => &[
            "The largest eigenvalues of the Hessian of the training loss: how sharply the loss \
             bends. The dashed line is 2/η; gradient descent is stable while the largest \
             eigenvalue stays under it.",
            "The density below shows all eigenvalues at once: most lie near zero, a few stand \
             out, often as many as there are classes.",
        ],
        PanelKind::Gradients => &[
            "How large the gradient and the update of every layer are, step by step; and the \
             gradient of one weight matrix as an image, blue where the weight grows, red where it \
             shrinks.",
            "A saliency map shows which inputs a decision hangs on.",
        ],
        PanelKind::Signals => &[
            "The loss of every training sample before and after each of the last steps, or of the \
             steps around the shown moment; they are made again for it, bit for bit. At the step \
             of the largest change |Δℓ| of any sample, those whose losses rise are told from those \
             whose losses fall; of each, those with the largest Σ|Δℓ| are a group. Its mean loss is \
             a curve.",
            "Below the edge of stability both groups fall together, although their gradients may \
             oppose each other (cos(g₊, g₋) near −1). At the edge one rises while the other falls, \
             in turn: the correlation of their changes Δ₊ and Δ₋, ΣΔ₊Δ₋ / √(ΣΔ₊² ΣΔ₋²), goes to −1 \
             (Rosenfeld & Risteski, 2023).",
            "The samples are those of one step: the one under the pointer, in any view; a click \
             keeps it. What lies on the falling diagonal of the last plot is undone by the next \
             step. max|Δℓ| / |ΔL| says how many times more one sample's loss moves than the mean.",
        ],
        PanelKind::Paths => &[
            "The loss on the way from the parameters that are shown to others: the first ones, a \
             snapshot, another run, a network of another seed that is trained for it, or a file. \
             The barrier is the height above the straight line between the losses of the ends.",
            "Two networks may be the same up to the order of their units. Aligning permutes the \
             units of the second to match the first (Ainsworth et al., 2022), sweep by sweep, and \
             changes their signs where the activation is odd. A \
             curve is trained so that its mean loss is least (Garipov et al., 2018). Layer by \
             layer, one layer moves while the others stay (Adilova et al., 2023). Forks are copies \
             of the run that part from it with other batches (Frankle et al., 2020).",
        ],
        PanelKind::Stability => &[
            "A piece of the run made once more, step by step: the last steps, or those from the \
             step that is shown. Sharpness is the largest eigenvalues of the Hessian against the \
             line of the optimizer (for Adam and its kin, of the preconditioned Hessian). At the \
             line the gradient along the top eigenvector changes its sign at every step: that is \
             the oscillation.",
            "Share is the part of the gradient within the space of the top eigenvectors, and \
             overlap how much of that space stays from one time to another (Gur-Ari et al., \
             2018). Prediction compares the change of the loss with that of its quadratic model. \
             Flows start at the window's first step: gradient flow with infinitely small steps, \
             and the central flow that descent follows on average while it oscillates (Cohen et \
             al., 2025).",
        ],
        PanelKind::Data => &[
            "The data and what the network makes of them: regions of the plane by predicted \
             class, a fitted curve, or images with their predictions.",
        ],
        PanelKind::Race => &[
            "Two to eight optimizers from the same start, over the same batches: their paths on one \
             landscape, their losses, and a score board. By step everybody has made as many \
             updates, by η·t everybody has the same accumulated learning rate, by wall time \
             everybody has had as long.",
            "On a closed-form function the plane is the whole space: a click on the map moves the \
             common start. On a network the plane is that of the first two principal components of \
             all paths, around their mean; how much of the paths it explains is written below.",
        ],
        PanelKind::Neighbourhood => &[
            "How far the training loss rises around the parameters that are shown: at most within \
             a ball (SAM), within a ball in units of |θ| (ASAM) and within a box (Keskar et al.), \
             and in the mean over random displacements, beside what gradient, λ₁ and trace say of \
             it. What ascent found (≥) is not above the true maximum. The slider moves all \
             radii together.",
            "Rescaled layers of a ReLU network are the same function, and yet some measures \
             change with them (Dinh et al., 2017): the last column says which do not.",
            "Few bits: the weights rounded to 2ᵇ levels. The plane becomes a staircase; the loss \
             over a factor on the scales is jagged, and the nominal scales are rarely the best \
             (Frumkin et al., 2023). One bit is the sign times the mean of |W|.",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_layout_shows_every_view() {
        assert!(is_sound(&default_tree()));
        // What a first look must see without a click.
        let tree = default_tree();
        let mut first = Vec::new();
        for tile in tree.tiles.tiles() {
            if let Tile::Container(egui_tiles::Container::Tabs(tabs)) = tile
                && let Some(kind) = tabs.children.first().and_then(|id| tree.tiles.get_pane(id))
            {
                first.push(*kind);
            }
        }
        first.sort_unstable();
        let mut expected = vec![
            PanelKind::Loss,
            PanelKind::Landscape,
            PanelKind::Spectrum,
            PanelKind::Data,
        ];
        expected.sort_unstable();
        assert_eq!(first, expected);
    }

    #[test]
    fn a_layout_comes_back_as_it_was_stored() {
        let mut workbench = Workbench::default();
        let layout = workbench.layout().expect("a layout can be stored");
        assert!(workbench.set_layout(layout.clone()));
        assert_eq!(workbench.layout().expect("again"), layout);
    }

    #[test]
    fn a_layout_of_an_earlier_version_gets_the_new_views() {
        // As it was stored when there were five views.
        let mut tiles = Tiles::default();
        let mut tab = |kinds: &[PanelKind]| {
            let panes: Vec<TileId> = kinds.iter().map(|kind| tiles.insert_pane(*kind)).collect();
            tiles.insert_tab_tile(panes)
        };
        let left = tab(&[PanelKind::Loss, PanelKind::Spectrum]);
        let right = tab(&[PanelKind::Data, PanelKind::Landscape, PanelKind::Gradients]);
        let root = tiles.insert_horizontal_tile(vec![left, right]);
        let old = Tree::new(egui::Id::unique(TREE), root, tiles);
        let mut workbench = Workbench::default();
        assert!(workbench.set_layout(serde_json::to_value(&old).expect("json")));
        let tree = &workbench.tree;
        let race = tree.tiles.find_pane(&PanelKind::Race).expect("the race");
        let landscape = tree.tiles.find_pane(&PanelKind::Landscape).expect("a map");
        assert_eq!(tree.tiles.parent_of(race), tree.tiles.parent_of(landscape));
        assert!(is_sound(tree));
    }

    #[test]
    fn a_broken_layout_is_not_taken() {
        let mut workbench = Workbench::default();
        let good = workbench.layout().expect("a layout can be stored");
        for broken in [
            serde_json::json!(null),
            serde_json::json!({"root": 3}),
            serde_json::to_value(Tree::new_tabs(
                egui::Id::unique("x"),
                vec![PanelKind::Loss, PanelKind::Loss],
            ))
            .expect("json"),
        ] {
            assert!(!workbench.set_layout(broken));
            assert_eq!(workbench.layout().expect("unchanged"), good);
        }
    }

    #[test]
    fn an_arrangement_of_fewer_views_gets_the_others() {
        let mut workbench = Workbench::default();
        let mut tiles = Tiles::default();
        let panes: Vec<TileId> = [
            PanelKind::Loss,
            PanelKind::Landscape,
            PanelKind::Spectrum,
            PanelKind::Gradients,
            PanelKind::Data,
        ]
        .into_iter()
        .map(|kind| {
            let pane = tiles.insert_pane(kind);
            tiles.insert_tab_tile(vec![pane])
        })
        .collect();
        let root = tiles.insert_horizontal_tile(panes);
        let older = Tree::new(egui::Id::unique(TREE), root, tiles);
        assert!(!is_sound(&older));
        assert!(workbench.set_layout(serde_json::to_value(&older).expect("json")));
        assert!(is_sound(&workbench.tree));
        let tiles = &workbench.tree.tiles;
        let parent = |kind| tiles.find_pane(&kind).and_then(|id| tiles.parent_of(id));
        assert_eq!(parent(PanelKind::Paths), parent(PanelKind::Landscape));
    }

    #[test]
    fn every_view_is_explained() {
        for kind in PanelKind::iter() {
            assert!(!help(kind).is_empty());
        }
    }

    #[test]
    fn a_focused_view_stays_maximised_with_the_next() {
        let mut workbench = Workbench::default();
        workbench.focus(PanelKind::Loss);
        workbench.toggle_maximised();
        workbench.focus(PanelKind::Spectrum);
        assert_eq!(workbench.maximised(), Some(PanelKind::Spectrum));
        workbench.toggle_maximised();
        assert_eq!(workbench.maximised(), None);
        assert_eq!(workbench.focused(), PanelKind::Spectrum);
    }
}

//! What is stored of the panel, and the slice that it asks for.

use serde::{Deserialize, Serialize};

use super::points::Points;
use crate::app::workspace::Workspace;
use crate::engine::analyses::{
    self, Looking, PathCentre, SliceAxis, SliceDirections, SliceSettings,
};
use crate::landscape::{Extent, SliceQuantity};
use crate::views::landscape::{LandscapeSettings, SliceKind};

/// Which directions span the slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Directions {
    /// Random ones, scaled to the parameters.
    #[default]
    Random,
    /// The principal components of the path of training.
    Path,
    /// Eigenvectors of the Hessian.
    Eigenvectors,
    /// The gradient of the training loss.
    Gradient,
    /// The optimizer's momentum.
    Momentum,
    /// The optimizer's next step.
    Update,
    /// From the parameters to others.
    Through,
}

impl Directions {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Random, "random"),
        (Self::Path, "path"),
        (Self::Eigenvectors, "eigenvectors"),
        (Self::Gradient, "gradient"),
        (Self::Momentum, "momentum"),
        (Self::Update, "update"),
        (Self::Through, "through points"),
    ];

    /// The first direction, where it means something by itself.
    fn axis(self) -> Option<SliceAxis> {
        match self {
            Self::Eigenvectors => Some(SliceAxis::Largest(0)),
            Self::Gradient => Some(SliceAxis::Gradient),
            Self::Momentum => Some(SliceAxis::Momentum),
            Self::Update => Some(SliceAxis::Update),
            Self::Random | Self::Path | Self::Through => None,
        }
    }

    /// Whether there is a second direction to choose.
    pub(super) fn has_second(self) -> bool {
        self.axis().is_some()
    }
}

/// The second direction beside one that means something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Second {
    /// The second eigenvector beside the first, else a random one.
    #[default]
    Usual,
    Random,
    Gradient,
    Largest,
    NextLargest,
    Smallest,
}

impl Second {
    pub(super) const ALL: [(Self, &'static str); 6] = [
        (Self::Usual, "as usual"),
        (Self::Random, "random"),
        (Self::Gradient, "gradient"),
        (Self::Largest, "v₁"),
        (Self::NextLargest, "v₂"),
        (Self::Smallest, "v min"),
    ];

    fn axis(self, first: SliceAxis, seed: u64) -> SliceAxis {
        match self {
            Self::Usual if first == SliceAxis::Largest(0) => SliceAxis::Largest(1),
            Self::Usual | Self::Random => SliceAxis::Random { seed },
            Self::Gradient => SliceAxis::Gradient,
            Self::Largest => SliceAxis::Largest(0),
            Self::NextLargest => SliceAxis::Largest(1),
            Self::Smallest => SliceAxis::Smallest(0),
        }
    }
}

/// What is stored of the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub look: LandscapeSettings,
    pub directions: Directions,
    pub second: Second,
    pub path_centre: PathCentre,
    /// Whether random directions are made orthogonal before they are scaled.
    pub orthogonal: bool,
    /// Whether biases move along random directions; the normalization decides
    /// where nothing is said.
    pub biases: Option<bool>,
    /// Names of the layers that random directions leave still.
    pub still: Vec<String>,
    pub quantity: SliceQuantity,
    /// Whether the extent follows the path.
    pub fit: bool,
    /// The other parameters of a plane through points.
    pub through: [Option<String>; 2],
    /// Whether its second direction is made orthogonal to the first.
    pub through_orthogonal: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: LandscapeSettings::default(),
            directions: Directions::default(),
            second: Second::default(),
            path_centre: PathCentre::default(),
            orthogonal: true,
            biases: None,
            still: Vec::new(),
            quantity: SliceQuantity::default(),
            fit: false,
            through: [Some(super::points::START.to_owned()), None],
            through_orthogonal: false,
        }
    }
}

/// Points on a side of a quantity that takes long in each of them, at most.
const COSTLY: usize = 17;

impl Settings {
    /// What is shown: what the network's data do not have is the loss.
    pub(super) fn shown_quantity(&self, ws: &Workspace) -> SliceQuantity {
        let Some(run) = ws.run() else {
            return SliceQuantity::Loss;
        };
        let setup = &run.info.setup;
        let names = setup.data.train.class_names();
        let possible = match &self.quantity {
            SliceQuantity::Accuracy => setup.is_classification(),
            SliceQuantity::ClassLoss { class } => *class < names.len(),
            SliceQuantity::SampleLoss { samples } => samples
                .iter()
                .all(|sample| *sample < setup.data.train.len()),
            SliceQuantity::Gap => run.info.validation.is_some(),
            _ => true,
        };
        if possible {
            self.quantity.clone()
        } else {
            SliceQuantity::Loss
        }
    }

    /// The slice that is asked for.
    pub(super) fn slice(
        &self,
        ws: &Workspace,
        looking: &Looking,
        points: &mut Points,
    ) -> SliceSettings {
        let mut slice = SliceSettings::from_recipe(&ws.recipe.slice);
        slice.quantity = self.shown_quantity(ws);
        slice.line = self.look.kind == SliceKind::Line;
        let one_split = matches!(
            slice.quantity,
            SliceQuantity::Gap | SliceQuantity::SampleLoss { .. }
        );
        if slice.line || one_split {
            // A line is drawn for both sets.
            slice.split = analyses::Split::Train;
        }
        if slice.quantity.is_costly() {
            slice.grid = slice.grid.min(COSTLY);
        }
        if let (Extent::Symmetric(otherwise), true) = (slice.extent, self.fit) {
            slice.extent = Extent::Fit { otherwise };
        }
        slice.growing = true;
        slice.attention = Some(looking.clone());
        let seed = match slice.directions {
            SliceDirections::Random { seed } => seed,
            _ => 0,
        };
        if let Some(first) = self.directions.axis() {
            slice.directions = SliceDirections::Axes([first, self.second.axis(first, seed)]);
            return slice;
        }
        match self.directions {
            Directions::Path => {
                slice.directions = SliceDirections::Path;
                slice.path_centre = self.path_centre;
            }
            Directions::Through => {
                if let Some(through) = points.through(ws, self) {
                    slice.directions = SliceDirections::Through(through);
                }
            }
            _ => {
                slice.orthogonal = self.orthogonal;
                slice.biases = self.biases;
                slice.layers = self.layers(ws);
            }
        }
        slice
    }

    /// The numbers of the layers that move, where some do not.
    fn layers(&self, ws: &Workspace) -> Option<Vec<usize>> {
        let layout = ws.run()?.info.setup.network.layout();
        let moves = |layer: &usize| {
            !self
                .still
                .iter()
                .any(|name| name == layout.layer_name(*layer))
        };
        let moving: Vec<usize> = (0..layout.layers()).filter(moves).collect();
        // The last one cannot be left still.
        (moving.len() < layout.layers() && !moving.is_empty()).then_some(moving)
    }
}

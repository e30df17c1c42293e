//! The sections that belong to no other room: training and the analyses.

use super::component::{Component, Value};
use super::field::{Choice, Field};
use super::schema::{Kind, Problem, Section};

static TRAINING: Kind = Kind {
    key: "",
    title: "Training",
    help: "How long the network trains, on how many samples at a time, and what is kept.",
    fields: &[
        Field::integer(
            "batch_size",
            "Batch size",
            "Samples in each gradient step; 0 takes the whole training set (gradient descent).",
            32,
            0,
            1_000_000,
        )
        .zero_means("full batch"),
        Field::integer(
            "steps",
            "Steps",
            "Gradient steps after which the run is finished.",
            2000,
            1,
            1_000_000_000,
        )
        .live(),
        Field::integer(
            "validation_every",
            "Validate every",
            "Steps between two measurements of the validation loss and of the accuracies. Each looks at all samples: with one for every pass over the training set it adds about a third to the work of training.",
            10,
            0,
            1_000_000,
        )
        .zero_means("never")
        .unit("steps")
        .live(),
        Field::integer(
            "snapshot_memory_mb",
            "Snapshot memory",
            "Memory for parameter snapshots; when it is full, older ones are thinned out, the \
             first and the last always stay.",
            64,
            1,
            65_536,
        )
        .unit("MB"),
        Field::integer(
            "steps_per_second",
            "Speed limit",
            "Most steps in a second in the window, to watch closely; 0 trains as fast as it can, as \
             runs without a window always do.",
            0,
            0,
            1_000_000,
        )
        .zero_means("no limit")
        .unit("steps/s")
        .live(),
    ],
};

static SLICE: Kind = Kind {
    key: "",
    title: "Loss slice",
    help: "The loss on a plane through the parameters along two random directions \
           (Li et al., 2018, Visualizing the loss landscape of neural nets).",
    fields: &[
        Field::integer(
            "grid",
            "Grid",
            "Points on a side, odd, so that one of them is the centre.",
            51,
            3,
            513,
        )
        .live(),
        Field::float(
            "extent",
            "Extent",
            "How far the slice reaches from the centre along each direction, in units of the \
             normalized direction.",
            1.0,
            0.0,
            1000.0,
        )
        .above_min()
        .logarithmic()
        .live(),
        Field::choice(
            "normalization",
            "Normalization",
            "How the random directions are scaled to the parameters, so that slices of \
             different networks can be compared.",
            "filter",
            &[
                Choice {
                    key: "filter",
                    label: "Filter",
                    help: "Each filter (row of a weight matrix, output channel) has the norm of \
                           the parameters' filter; biases stay put.",
                },
                Choice {
                    key: "layer",
                    label: "Layer",
                    help: "Each weight tensor has the norm of the parameters' tensor; biases \
                           stay put.",
                },
                Choice {
                    key: "elementwise",
                    label: "Element-wise",
                    help: "Each component is multiplied by the parameter's absolute value.",
                },
                Choice {
                    key: "none",
                    label: "None",
                    help: "The directions stay as drawn.",
                },
            ],
        )
        .live(),
        Field::integer(
            "seed",
            "Direction seed",
            "Draws other directions; the run itself does not change.",
            0,
            0,
            i64::MAX,
        )
        .live(),
        Field::choice(
            "split",
            "Loss on",
            "The samples on which the slice measures the loss.",
            "train",
            &[
                Choice {
                    key: "train",
                    label: "Training set",
                    help: "The loss that training lowers.",
                },
                Choice {
                    key: "validation",
                    label: "Validation set",
                    help: "The loss on samples that training never sees.",
                },
            ],
        )
        .live(),
        Field::boolean(
            "log_scale",
            "Log colours",
            "Colours and contours follow the logarithm of the loss.",
            true,
        )
        .live(),
    ],
};

static SPECTRUM: Kind = Kind {
    key: "",
    title: "Hessian spectrum",
    help: "The largest eigenvalues of the Hessian while the network trains, and the density of \
           all of them by stochastic Lanczos quadrature.",
    fields: &[
        Field::integer(
            "every",
            "Measure every",
            "Steps between two measurements of the top eigenvalues (the sharpness). In a window, \
             `automatic` comes before it.",
            50,
            0,
            1_000_000,
        )
        .zero_means("never")
        .unit("steps")
        .live(),
        Field::boolean(
            "automatic",
            "Measure live",
            "In a window, measure at every step where the network is small enough, and elsewhere \
             as often as the share of the time allows. Without a window always every so many \
             steps, so that a run repeats itself.",
            true,
        )
        .live(),
        Field::float(
            "share",
            "Share of the time",
            "The share of the time that measurements in a window may take from the training at \
             most.",
            0.3,
            0.01,
            1.0,
        )
        .live(),
        Field::integer(
            "top",
            "Top eigenvalues",
            "How many of the largest eigenvalues are measured.",
            3,
            1,
            50,
        )
        .live(),
        Field::integer(
            "bottom",
            "Bottom eigenvalues",
            "How many of the smallest eigenvalues are measured while the network trains: below \
             zero the loss bends downwards.",
            1,
            0,
            50,
        )
        .live(),
        Field::boolean(
            "batch_sharpness",
            "Batch sharpness",
            "Measure the curvature of mini-batches along their own gradients too, which comes to \
             rest at 2/η in stochastic gradient descent. It takes about as long again.",
            false,
        )
        .live(),
        Field::integer(
            "probes",
            "Probes",
            "Random vectors over which the spectral density and the trace are averaged.",
            4,
            1,
            1000,
        )
        .live(),
        Field::integer(
            "lanczos_steps",
            "Lanczos steps",
            "Steps of the Lanczos iteration for each probe; more steps resolve more of the \
             density.",
            60,
            2,
            1000,
        )
        .live(),
    ],
};

static GRADIENTS: Kind = Kind {
    key: "",
    title: "Gradient maps",
    help: "Gradients of weights and of inputs, as images.",
    fields: &[
        Field::integer(
            "every",
            "Draw every",
            "Steps between two gradient maps.",
            10,
            1,
            1_000_000,
        )
        .unit("steps")
        .live(),
        Field::integer(
            "samples",
            "Samples",
            "How many samples get a saliency map, the gradient with respect to the input.",
            8,
            1,
            256,
        )
        .live(),
    ],
};

/// `[training]`.
pub fn training_section() -> Section {
    Section {
        key: "training",
        title: "Training",
        help: "Batch size, steps and what is kept.",
        kinds: vec![&TRAINING],
        common: &[],
        default_kind: Some(""),
        restarts: true,
        check: None,
    }
}

/// `[analyses.slice]`, `[analyses.spectrum]` and `[analyses.gradients]`.
pub fn analysis_sections() -> Vec<Section> {
    let analysis = |key, kind: &'static Kind, check| Section {
        key,
        title: kind.title,
        help: kind.help,
        kinds: vec![kind],
        common: &[],
        default_kind: Some(""),
        restarts: false,
        check,
    };
    vec![
        analysis("analyses.slice", &SLICE, Some(check_slice)),
        analysis("analyses.spectrum", &SPECTRUM, None),
        analysis("analyses.gradients", &GRADIENTS, None),
    ]
}

fn check_slice(slice: &Component) -> Vec<Problem> {
    match slice.get("grid") {
        Some(Value::Integer(grid)) if grid % 2 == 0 => vec![Problem {
            key: "grid".to_owned(),
            message: format!(
                "analyses.slice.grid is {grid}, expected an odd number, so that one point is the \
                 centre"
            ),
        }],
        _ => Vec::new(),
    }
}

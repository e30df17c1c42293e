//! Small recipes for tests.

use crate::recipe::{Component, Recipe, analysis_sections, training_section};
use crate::train::{optimizers, schedules};

/// Sixty points on two spirals, a 2-8-2 tanh network, gradient descent in
/// batches of 16, fifty steps.
pub(crate) fn recipe() -> Recipe {
    let data = crate::data::section();
    let mut analyses = analysis_sections()
        .into_iter()
        .map(|section| section.default_component());
    let mut analysis = || analyses.next().flatten().unwrap();
    Recipe {
        name: "Test".into(),
        data: data.component("spirals").unwrap().with("samples", 60),
        model: Component::new("mlp")
            .with("hidden", vec![8i64])
            .with("activation", "tanh")
            .with("bias", true)
            .with("residual", false)
            .with("layer_norm", false),
        initialization: Component::new("xavier_normal").with("gain", 1.0),
        loss: Component::new("cross_entropy"),
        optimizer: optimizer("sgd", 0.1),
        schedule: schedules::kinds()[0].defaults(schedules::COMMON_FIELDS),
        training: training_section()
            .default_component()
            .unwrap()
            .with("batch_size", 16)
            .with("steps", 50),
        slice: analysis(),
        spectrum: analysis().with("every", 0),
        gradients: analysis(),
        ..Recipe::default()
    }
}

/// An optimizer with its defaults and this learning rate.
pub(crate) fn optimizer(kind: &str, learning_rate: f64) -> Component {
    optimizers::kinds()
        .into_iter()
        .find(|k| k.key == kind)
        .unwrap()
        .defaults(optimizers::COMMON_FIELDS)
        .with("learning_rate", learning_rate)
}

/// A recipe whose loss leaves every bound: a linear network, squared error, a
/// learning rate far beyond 2/λ₁.
pub(crate) fn diverging() -> Recipe {
    let mut recipe = recipe();
    recipe.model.set("activation", "identity");
    recipe.loss = Component::new("mean_squared_error").with("half", false);
    recipe.optimizer = optimizer("sgd", 50.0);
    recipe.training.set("batch_size", 0);
    recipe.training.set("steps", 5000);
    recipe
}

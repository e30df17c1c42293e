use super::*;
use crate::connectivity::testing::{mlp, normal, objective};
use crate::data::InputShape;
use crate::math::CancelToken;

#[test]
fn all_layers_make_the_full_interpolation() {
    let loss = objective(&mlp(&[6, 5], false, true), InputShape::Vector(2));
    let layout = loss.network().layout();
    let (a, b) = (normal(1, loss.dim()), normal(2, loss.dim()));
    let paths = layer_paths(&loss, layout, &a, &b, 9, &()).unwrap();
    let layers = layout.layers();
    assert_eq!(paths.len(), 3 * layers);
    let full = profile(&loss, &Curve::line(&a[..], &b[..]).unwrap(), 9, true, &()).unwrap();
    let last_shallow = &paths[2 * layers - 1];
    let first_deep = &paths[2 * layers];
    for path in [last_shallow, first_deep] {
        assert_eq!(path.line, full.line);
        assert_eq!(path.parameters, loss.dim());
    }
    assert_eq!(
        (last_shallow.group, first_deep.group),
        (LayerGroup::Shallow, LayerGroup::Deep)
    );
    // The end losses are those of the networks, so that both heights agree up
    // to what lies between the points.
    assert!(last_shallow.excess <= last_shallow.line.barrier + 1e-12);
    // The first layer alone is the first shallow group, the last the last deep.
    assert_eq!(paths[0].line, paths[layers].line);
    assert_eq!(paths[layers - 1].line, paths[3 * layers - 1].line);
    let parameters: usize = paths[..layers].iter().map(|path| path.parameters).sum();
    assert_eq!(parameters, loss.dim());
    assert_eq!(paths[1].layer, "1");
}

#[test]
fn a_layer_that_both_share_has_no_barrier() {
    let loss = objective(&mlp(&[6], false, false), InputShape::Vector(2));
    let layout = loss.network().layout();
    let a = normal(1, loss.dim());
    let mut b = a.clone();
    b[layout.layer_range(1)].copy_from_slice(&normal(2, layout.layer_range(1).len()));
    let paths = layer_paths(&loss, layout, &a, &b, 5, &()).unwrap();
    assert_eq!(paths[0].line.barrier, 0.0);
    assert!(
        paths[0]
            .line
            .loss
            .iter()
            .all(|l| *l == paths[0].line.loss[0])
    );
    let token = CancelToken::new();
    token.cancel();
    assert_eq!(
        layer_paths(&loss, layout, &a, &b, 5, &token).unwrap_err(),
        MathError::Cancelled
    );
}

//! Where each parameter tensor lies in the flat parameter vector.

use std::ops::Range;

/// What a parameter tensor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// Weights of a dense layer or of a convolution; the first axis counts the
    /// filters (outputs).
    Weight,
    /// Biases.
    Bias,
    /// Scale γ of a normalization.
    NormScale,
    /// Shift β of a normalization.
    NormShift,
}

/// One tensor of the flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterTensor {
    /// Its name in the equivalent PyTorch `nn.Sequential`: `0.weight`.
    pub name: String,
    /// Its shape, row-major.
    pub shape: Vec<usize>,
    /// Where it lies in the flat vector.
    pub range: Range<usize>,
    /// What it does.
    pub kind: ParameterKind,
    /// Which of the layers with parameters it belongs to, from 0.
    pub layer: usize,
}

impl ParameterTensor {
    /// Number of filters (rows): the first axis of a weight; 1 for the rest.
    pub fn filters(&self) -> usize {
        match self.kind {
            ParameterKind::Weight => self.shape.first().copied().unwrap_or(1),
            _ => 1,
        }
    }

    /// Numbers in one filter.
    pub fn filter_len(&self) -> usize {
        self.range.len() / self.filters().max(1)
    }

    /// The numbers of filter `index` in the flat vector.
    pub fn filter(&self, index: usize) -> Range<usize> {
        let start = self.range.start + index * self.filter_len();
        start..start + self.filter_len()
    }
}

/// The ordered list of a network's parameter tensors: it gives every number of
/// the flat vector its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterLayout {
    /// The tensors, in the order in which they lie in the vector.
    pub tensors: Vec<ParameterTensor>,
}

impl ParameterLayout {
    /// Appends a tensor and returns its index.
    pub fn push(
        &mut self,
        name: String,
        shape: Vec<usize>,
        kind: ParameterKind,
        layer: usize,
    ) -> usize {
        let start = self.len();
        let end = start + shape.iter().product::<usize>();
        self.tensors.push(ParameterTensor {
            name,
            shape,
            range: start..end,
            kind,
            layer,
        });
        self.tensors.len() - 1
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.range.end)
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor with this name.
    pub fn get(&self, name: &str) -> Option<&ParameterTensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The tensors in order.
    pub fn iter(&self) -> std::slice::Iter<'_, ParameterTensor> {
        self.tensors.iter()
    }

    /// Number of layers that have parameters.
    pub fn layers(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.layer + 1)
    }

    /// The numbers of layer `layer` in the flat vector: its tensors lie side
    /// by side. Empty if there is no such layer.
    pub fn layer_range(&self, layer: usize) -> Range<usize> {
        let mut tensors = self.tensors.iter().filter(|tensor| tensor.layer == layer);
        let Some(first) = tensors.next() else {
            return 0..0;
        };
        let end = tensors.next_back().unwrap_or(first).range.end;
        first.range.start..end
    }

    /// Name of layer `layer`, the part of its tensors' names before the dot.
    pub fn layer_name(&self, layer: usize) -> &str {
        self.tensors
            .iter()
            .find(|tensor| tensor.layer == layer)
            .and_then(|tensor| tensor.name.split('.').next())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_lie_side_by_side() {
        let mut layout = ParameterLayout::default();
        layout.push("0.weight".into(), vec![4, 2], ParameterKind::Weight, 0);
        layout.push("0.bias".into(), vec![4], ParameterKind::Bias, 0);
        layout.push("2.weight".into(), vec![3, 4], ParameterKind::Weight, 1);
        assert_eq!(layout.len(), 24);
        assert_eq!(layout.layers(), 2);
        assert_eq!(layout.layer_range(0), 0..12);
        assert_eq!(layout.layer_range(1), 12..24);
        assert_eq!(layout.layer_range(7), 0..0);
        assert_eq!(layout.layer_name(1), "2");
        let weight = layout.get("2.weight").unwrap();
        assert_eq!((weight.filters(), weight.filter_len()), (3, 4));
        assert_eq!(weight.filter(2), 20..24);
        let bias = layout.get("0.bias").unwrap();
        assert_eq!((bias.filters(), bias.filter_len()), (1, 4));
        assert!(layout.get("1.weight").is_none());
    }
}

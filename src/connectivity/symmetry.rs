//! Which units of a network can change places, and which can change their sign,
//! without changing its function.

use std::ops::Neg;

use serde::{Deserialize, Serialize};

use crate::math::MathError;
use crate::math::error::check_length;
use crate::nn::kernels::channels_and_plane;
use crate::nn::layout::ParameterLayout;
use crate::nn::network::{Network, Operator, ValueId};

/// Hidden units that change places together: the units of a dense layer, or
/// the channels of a convolution. Layers whose outputs are added have their
/// units in common, because the summands must be permuted alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitGroup {
    /// The layers whose outputs they are: `0`, or `0 + 3`.
    pub name: String,
    /// How many there are.
    pub units: usize,
    /// The values that later layers read from them.
    pub read: Vec<ValueId>,
    /// Whether a unit can change its sign: everything between what makes it and
    /// what reads it is odd (tanh, sine, identity, means; no maxima, no
    /// normalization over the units).
    pub odd: bool,
}

/// How a parameter tensor hangs on the units before and behind it. Its numbers
/// lie as [rows, columns, inner].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axes {
    start: usize,
    rows: usize,
    columns: usize,
    inner: usize,
    /// The group whose units are the rows; none where they must stay.
    row_group: Option<usize>,
    column_group: Option<usize>,
}

/// The permutation symmetries of a network: one group of interchangeable units
/// for every hidden layer.
///
/// A permutation p puts old unit p[i] in place i. It moves the rows of the
/// layer that makes the units (with biases, and scales and shifts of a
/// normalization) and the columns of the layers that read them: single columns
/// of a dense layer, input channels of a convolution, and blocks of columns
/// where channels were flattened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symmetry {
    groups: Vec<UnitGroup>,
    tensors: Vec<Axes>,
    dim: usize,
}

/// A permutation for every group of units.
pub type Permutations = Vec<Vec<usize>>;

/// Where the units go, and which change their sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitMap {
    /// For every group, the old unit that takes place i.
    pub permutations: Permutations,
    /// For every group, whether the unit that takes place i changes its sign:
    /// what makes it and what reads it are negated.
    pub flipped: Vec<Vec<bool>>,
}

impl UnitMap {
    /// Units that are not where they were.
    pub fn moved(&self) -> usize {
        self.permutations
            .iter()
            .map(|p| p.iter().enumerate().filter(|(i, unit)| i != *unit).count())
            .sum()
    }

    /// Units that change their sign.
    pub fn negated(&self) -> usize {
        self.flipped.iter().flatten().filter(|flip| **flip).count()
    }
}

/// Classes of values whose units are in the same order.
#[derive(Default)]
struct Classes {
    parent: Vec<usize>,
    units: Vec<usize>,
    fixed: Vec<bool>,
    odd: Vec<bool>,
    makers: Vec<Vec<String>>,
}

impl Classes {
    fn push(&mut self, units: usize, fixed: bool, maker: Option<String>) -> usize {
        self.parent.push(self.parent.len());
        self.units.push(units);
        self.fixed.push(fixed);
        self.odd.push(true);
        self.makers.push(maker.into_iter().collect());
        self.parent.len() - 1
    }

    fn root(&self, mut class: usize) -> usize {
        while self.parent[class] != class {
            class = self.parent[class];
        }
        class
    }

    /// Where `needed`, the units of a class must keep their signs.
    fn keep_sign(&mut self, class: usize, needed: bool) {
        let root = self.root(class);
        self.odd[root] &= !needed;
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (first, second) = (a.min(b), a.max(b));
        let alike = self.units[first] == self.units[second];
        self.fixed[first] |= self.fixed[second] || !alike;
        self.fixed[second] = self.fixed[first];
        if alike {
            self.parent[second] = first;
            self.odd[first] &= self.odd[second];
            let makers = std::mem::take(&mut self.makers[second]);
            self.makers[first].extend(makers);
        }
    }
}

/// A value's class, and how many of its numbers make one unit.
#[derive(Clone, Copy)]
struct Place {
    class: usize,
    inner: usize,
}

impl Symmetry {
    /// The symmetries of this network.
    pub fn new(network: &Network) -> Self {
        let layout = network.layout();
        let (channels, plane) = channels_and_plane(network.input_shape());
        let mut classes = Classes::default();
        let mut places = vec![Place {
            class: classes.push(channels, true, None),
            inner: plane,
        }];
        // Rows and columns as classes first: what is joined later counts too.
        let mut tensors: Vec<(usize, usize, usize, usize, usize, Option<usize>)> = Vec::new();
        let mut reads: Vec<ValueId> = Vec::new();
        for (k, operation) in network.operations().iter().enumerate() {
            let input = places[operation.input];
            let (channels, plane) = channels_and_plane(network.shape(k + 1));
            let mut maker = |tensor: usize, units: usize| {
                let layer = layout.tensors[tensor].layer;
                classes.push(units, false, Some(layout.layer_name(layer).to_owned()))
            };
            let place = match operation.operator {
                Operator::Dense {
                    weight,
                    bias,
                    outputs,
                    ..
                } => {
                    reads.push(operation.input);
                    let class = maker(weight, outputs);
                    let columns = classes.units[input.class];
                    tensors.push((
                        weight,
                        outputs,
                        columns,
                        input.inner,
                        class,
                        Some(input.class),
                    ));
                    tensors.extend(bias.map(|bias| (bias, outputs, 1, 1, class, None)));
                    Place { class, inner: 1 }
                }
                Operator::Conv2d {
                    weight,
                    bias,
                    geometry,
                } => {
                    reads.push(operation.input);
                    let class = maker(weight, geometry.outputs);
                    let kernel = geometry.kernel.0 * geometry.kernel.1;
                    tensors.push((
                        weight,
                        geometry.outputs,
                        geometry.channels,
                        kernel,
                        class,
                        Some(input.class),
                    ));
                    tensors.extend(bias.map(|bias| (bias, geometry.outputs, 1, 1, class, None)));
                    Place {
                        class,
                        inner: plane,
                    }
                }
                Operator::MaxPool2d(_) | Operator::AvgPool2d(_) => {
                    let maximum = matches!(operation.operator, Operator::MaxPool2d(_));
                    classes.keep_sign(input.class, maximum);
                    Place {
                        class: input.class,
                        inner: plane,
                    }
                }
                Operator::Flatten => input,
                Operator::Activation(activation) => {
                    classes.keep_sign(input.class, !activation.odd());
                    input
                }
                Operator::LayerNorm { scale, shift, .. } => {
                    classes.keep_sign(input.class, true);
                    let units = classes.units[input.class];
                    let inner = channels * plane / units.max(1);
                    for tensor in [scale, shift] {
                        tensors.push((tensor, units, 1, inner, input.class, None));
                    }
                    input
                }
                Operator::Add(earlier) => {
                    classes.join(input.class, places[earlier].class);
                    input
                }
            };
            places.push(place);
        }
        // The outputs have their order from the targets.
        if let Some(last) = places.last() {
            let root = classes.root(last.class);
            classes.fixed[root] = true;
        }
        let mut groups: Vec<UnitGroup> = Vec::new();
        let mut group_of = vec![None; classes.parent.len()];
        for (class, own) in group_of.iter_mut().enumerate() {
            if classes.root(class) == class && !classes.fixed[class] {
                *own = Some(groups.len());
                groups.push(UnitGroup {
                    name: classes.makers[class].join(" + "),
                    units: classes.units[class],
                    read: Vec::new(),
                    odd: classes.odd[class],
                });
            }
        }
        let group = |class: usize| group_of[classes.root(class)];
        for value in reads {
            if let Some(group) = group(places[value].class) {
                let read = &mut groups[group].read;
                if !read.contains(&value) {
                    read.push(value);
                }
            }
        }
        let tensors = tensors
            .into_iter()
            .map(|(tensor, rows, columns, inner, row, column)| Axes {
                start: layout.tensors[tensor].range.start,
                rows,
                columns,
                inner,
                row_group: group(row),
                column_group: column.and_then(group),
            })
            .collect();
        Self {
            groups,
            tensors,
            dim: layout.len(),
        }
    }

    /// The groups of interchangeable units, in the order of the layers; none for
    /// a network without hidden layers.
    pub fn groups(&self) -> &[UnitGroup] {
        &self.groups
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Whether a layer both reads and writes one group of units.
    pub(super) fn is_coupled(&self) -> bool {
        self.tensors
            .iter()
            .any(|axes| axes.row_group.is_some() && axes.row_group == axes.column_group)
    }

    /// The permutations that leave everything in place.
    pub fn identity(&self) -> Permutations {
        let groups = self.groups.iter();
        groups.map(|group| (0..group.units).collect()).collect()
    }

    /// Everything in its place with its sign.
    pub fn unmoved(&self) -> UnitMap {
        let groups = self.groups.iter();
        UnitMap {
            permutations: self.identity(),
            flipped: groups.map(|group| vec![false; group.units]).collect(),
        }
    }

    /// The parameters with their units permuted: the same function.
    ///
    /// # Errors
    /// `Length`, `Argument` where these are no permutations of the groups.
    pub fn permute<T: Copy>(
        &self,
        permutations: &[Vec<usize>],
        theta: &[T],
    ) -> Result<Vec<T>, MathError> {
        check_length("a parameter vector", theta.len(), self.dim)?;
        self.check(permutations)?;
        Ok(self.permuted(permutations, theta))
    }

    /// The same with units that change their sign besides: the same function,
    /// bit for bit but for the order of sums.
    ///
    /// # Errors
    /// Those of [`Symmetry::permute`], and `Argument` where a unit changes its
    /// sign that is not odd.
    pub fn rearrange<T: Copy + Neg<Output = T>>(
        &self,
        map: &UnitMap,
        theta: &[T],
    ) -> Result<Vec<T>, MathError> {
        check_length("sign changes", map.flipped.len(), self.groups.len())?;
        for (group, flipped) in self.groups.iter().zip(&map.flipped) {
            check_length("sign changes of a group", flipped.len(), group.units)?;
            if !group.odd && flipped.contains(&true) {
                return Err(MathError::Argument {
                    what: "the sign changes",
                    found: format!("one in layer {}", group.name),
                    expected: "none where the activation is not odd",
                });
            }
        }
        let mut out = self.permute(&map.permutations, theta)?;
        let negated =
            |group: Option<usize>, unit: usize| group.is_some_and(|group| map.flipped[group][unit]);
        for axes in &self.tensors {
            for row in 0..axes.rows {
                for column in 0..axes.columns {
                    if negated(axes.row_group, row) != negated(axes.column_group, column) {
                        let start = axes.start + (row * axes.columns + column) * axes.inner;
                        for value in &mut out[start..start + axes.inner] {
                            *value = -*value;
                        }
                    }
                }
            }
        }
        Ok(out)
    }

    fn check(&self, permutations: &[Vec<usize>]) -> Result<(), MathError> {
        check_length("permutations", permutations.len(), self.groups.len())?;
        for (group, permutation) in self.groups.iter().zip(permutations) {
            let mut seen = vec![false; group.units];
            let sound = permutation.len() == group.units
                && permutation
                    .iter()
                    .all(|&unit| unit < group.units && !std::mem::replace(&mut seen[unit], true));
            if !sound {
                return Err(MathError::Argument {
                    what: "a permutation",
                    found: format!("{permutation:?}"),
                    expected: "every unit once",
                });
            }
        }
        Ok(())
    }

    fn permuted<T: Copy>(&self, permutations: &[Vec<usize>], theta: &[T]) -> Vec<T> {
        let of = |group: Option<usize>| group.map(|group| &permutations[group][..]);
        let mut out = theta.to_vec();
        for axes in &self.tensors {
            let (rows, columns) = (of(axes.row_group), of(axes.column_group));
            if rows.is_none() && columns.is_none() {
                continue;
            }
            let row_len = axes.columns * axes.inner;
            for row in 0..axes.rows {
                let from = axes.start + rows.map_or(row, |p| p[row]) * row_len;
                let to = axes.start + row * row_len;
                let Some(columns) = columns else {
                    out[to..to + row_len].copy_from_slice(&theta[from..from + row_len]);
                    continue;
                };
                for (column, old) in columns.iter().enumerate() {
                    let (to, from) = (to + column * axes.inner, from + old * axes.inner);
                    out[to..to + axes.inner].copy_from_slice(&theta[from..from + axes.inner]);
                }
            }
        }
        out
    }

    /// All parameters that belong to the units of a group, unit after unit:
    /// what makes them and, if `outgoing`, what reads them (otherwise only what
    /// makes them from inputs and from the groups before). The units behind and
    /// before them come in the order and with the signs of `map`, this group's in
    /// their old ones (except where a layer reads the group and writes it again).
    pub(super) fn unit_parameters(
        &self,
        group: usize,
        map: &UnitMap,
        outgoing: bool,
        theta: &[f64],
    ) -> Vec<f64> {
        let units = self.groups[group].units;
        let mut parts: Vec<(Vec<f64>, usize)> = Vec::new();
        for axes in &self.tensors {
            // Without what reads the units, nothing whose own inputs are units
            // in an order that is not known yet counts either.
            let known = outgoing || axes.column_group.is_none_or(|before| before < group);
            let by_row = axes.row_group == Some(group) && known;
            let by_column = axes.column_group == Some(group) && outgoing;
            // The old unit at a place, and its sign there.
            let of = |group: Option<usize>, place: usize| {
                group.map_or((place, 1.0), |group| {
                    let sign = if map.flipped[group][place] { -1.0 } else { 1.0 };
                    (map.permutations[group][place], sign)
                })
            };
            let at = |row: usize, column: usize| {
                let start = axes.start + (row * axes.columns + column) * axes.inner;
                &theta[start..start + axes.inner]
            };
            if by_row {
                let mut part = Vec::with_capacity(axes.rows * axes.columns * axes.inner);
                for row in 0..axes.rows {
                    for column in 0..axes.columns {
                        let (unit, sign) = of(axes.column_group, column);
                        part.extend(at(row, unit).iter().map(|x| sign * x));
                    }
                }
                parts.push((part, axes.columns * axes.inner));
            }
            if by_column {
                let mut part = Vec::with_capacity(axes.rows * axes.columns * axes.inner);
                for column in 0..axes.columns {
                    for row in 0..axes.rows {
                        let (unit, sign) = of(axes.row_group, row);
                        part.extend(at(unit, column).iter().map(|x| sign * x));
                    }
                }
                parts.push((part, axes.rows * axes.inner));
            }
        }
        let length: usize = parts.iter().map(|(_, length)| length).sum();
        let mut all = Vec::with_capacity(units * length);
        for unit in 0..units {
            for (part, length) in &parts {
                all.extend_from_slice(&part[unit * length..(unit + 1) * length]);
            }
        }
        all
    }
}

/// Names of the layers with parameters, as they stand in the layout.
pub fn layer_names(layout: &ParameterLayout) -> Vec<String> {
    (0..layout.layers())
        .map(|layer| layout.layer_name(layer).to_owned())
        .collect()
}

#[cfg(test)]
#[path = "symmetry_tests.rs"]
mod tests;

use super::cases::uniform;
use super::*;
use crate::objective::Products;

const EXPECTED: [(u32, usize, f64); 5] = [
    (1, 0, -0.9844697713851929),
    (1, 1, 0.24463915824890137),
    (2, 0, -0.9611566066741943),
    (3, 12345, 0.6950080394744873),
    (4, 101769, 0.6231933832168579),
];

#[test]
fn the_formula_gives_the_numbers_that_other_programs_get() {
    // Computed with Python's integers.
    for (stream, index, expected) in EXPECTED {
        assert_eq!(
            uniform(stream, index),
            expected,
            "u_{index} of stream {stream}"
        );
    }
    let case = Case::new(NetworkKind::Wide).unwrap();
    assert_eq!(case.theta.len(), 101_770);
    // The bias of the first layer has the fan-in of its weight.
    let scale = (3.0f64 / 784.0).sqrt();
    assert_eq!(
        case.theta[784 * 128],
        (scale * uniform(2, 784 * 128)) as f32
    );
    let mean = crate::math::vector::sum(&case.data.inputs) / case.data.inputs.len() as f64;
    assert!(mean.abs() < 3e-3, "{mean}");
}

#[test]
fn operations_are_counted_from_the_layers() {
    let count = |kind| Products::of(&Case::new(kind).unwrap().network);
    let tanh = count(NetworkKind::Tanh);
    assert_eq!(tanh.all, 2.0 * (2.0 * 32.0 + 32.0 * 32.0 + 32.0 * 2.0));
    assert_eq!((tanh.first, tanh.first_outputs), (128.0, 32.0));
    assert_eq!(tanh.later_parameters, 32.0 * 33.0 + 2.0 * 33.0);
    assert_eq!(tanh.gradient(10), 10.0 * (3.0 * tanh.all - 128.0));
    let lenet = count(NetworkKind::LeNet);
    let convolutions = 6.0 * 25.0 * 784.0 + 16.0 * 150.0 * 100.0;
    let dense = 400.0 * 120.0 + 120.0 * 84.0 + 84.0 * 10.0;
    assert_eq!(lenet.all, 2.0 * (convolutions + dense));
    assert_eq!(lenet.first, 2.0 * 6.0 * 25.0 * 784.0);
}

#[test]
fn filters_choose_by_name() {
    let all = chosen(None).unwrap();
    // Curvature in two precisions, training steps of two networks, two scalings.
    assert_eq!(all.len(), (5 + 2) * 4 + 2 + 2);
    let slices = chosen(Some("Slice")).unwrap();
    assert_eq!(slices.len(), 5);
    assert_eq!(chosen(Some("point, lenet")).unwrap().len(), 1);
    let Err(error) = chosen(Some("fast")) else {
        panic!("accepted");
    };
    let sentence = error.to_string();
    assert!(
        sentence.contains("\"fast\"") && sentence.contains("slice point"),
        "{sentence}"
    );
}

#[test]
fn rows_agree_with_one_another() {
    let options = |filter: &str| Options {
        filter: Some(filter.to_owned()),
        threads: 2,
        seconds: 0.0,
        clock: Clock::Elapsed,
    };
    let report = run(&options("tanh 2-32-32-2"), &mut |_| ()).unwrap();
    let precisions = Work::ALL.iter().map(|work| work.precisions().len());
    assert_eq!(report.rows.len(), precisions.sum::<usize>());
    for row in &report.rows {
        assert!(row.timing.microseconds > 0.0 && row.timing.median >= row.timing.microseconds);
        assert!(row.operations > 0.0 && row.gflops > 0.0 && row.share_of_peak > 0.0);
        assert!(
            (row.loss - report.rows[0].loss).abs() < 1e-6,
            "{}",
            row.work
        );
        assert!(
            row.check.is_finite() && row.check > 0.0,
            "{}: {}",
            row.work,
            row.check
        );
    }
    // Every mean of norms is at least the norm of the mean.
    let check = |work: Work| {
        report
            .rows
            .iter()
            .find(|row| row.work == work.name())
            .unwrap()
            .check
    };
    assert!(check(Work::GradientNorms) >= check(Work::Gradient));
    for peak in report.peaks {
        assert!(peak.fma > 0.0 && peak.product > 0.0);
    }
}

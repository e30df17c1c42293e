use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::catalogue::schema;
use crate::functions;
use crate::train::{Run, testing};

/// A clock that stands still.
fn still() -> impl FnMut() -> f64 {
    || 0.0
}

fn finish(race: &mut Race) {
    let mut now = still();
    while race.advance(&mut now).unwrap().is_some() {}
}

fn network(entries: Vec<Entry>, lockstep: Lockstep) -> Race {
    let settings = RaceSettings {
        base: testing::recipe(),
        base_dir: PathBuf::from("."),
        ground: GroundSettings::Network,
        entries,
        lockstep,
    };
    Race::new(settings, schema()).unwrap()
}

fn on(function: &str, values: &[(&str, f64)], entries: Vec<Entry>, steps: i64) -> RaceSettings {
    let mut component = functions::section().component(function).unwrap();
    for (key, value) in values {
        component.set(key, *value);
    }
    let mut settings = RaceSettings::on_function(component, entries, schema()).unwrap();
    settings.base.training.set("steps", steps);
    settings
}

fn entry(text: &str) -> Entry {
    Entry::parse(text, schema()).unwrap()
}

fn losses(runner: &Runner) -> Vec<u64> {
    runner.curve().loss.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_same_optimizer_twice_goes_the_same_way() {
    for lockstep in [Lockstep::Step, Lockstep::Eta] {
        let entries = vec![entry("a: optimizer=adam"), entry("b: optimizer=adam")];
        let mut race = network(entries.clone(), lockstep);
        finish(&mut race);
        let [a, b] = race.runners() else { panic!() };
        assert_eq!(losses(a), losses(b));
        assert_eq!(a.parameters(), b.parameters());
        assert_eq!(a.curve(), b.curve());

        // On a function too, with noise.
        let mut settings = on("rosenbrock", &[("noise", 0.5)], entries, 300);
        settings.lockstep = lockstep;
        let mut race = Race::new(settings, schema()).unwrap();
        finish(&mut race);
        let [a, b] = race.runners() else { panic!() };
        assert_eq!(losses(a), losses(b));
        assert_eq!(a.steps_done(), 300);
    }
}

#[test]
fn optimizers_that_ask_for_curvature_run_on_functions() {
    // One step of Gauss–Newton is at the minimum of a quadratic.
    let entries = vec![
        entry("newton: optimizer=gauss_newton, damping=1e-9"),
        entry("sam: optimizer=sam, learning_rate=0.001, rho=0.1"),
        entry("penalty: optimizer=gradient_regularization, learning_rate=0.001"),
        entry("normalised: optimizer=normalized, learning_rate=0.01"),
        entry("adahessian: optimizer=adahessian, learning_rate=0.1"),
        entry("asam: optimizer=asam, learning_rate=0.001"),
    ];
    let settings = on("quadratic", &[], entries.clone(), 100);
    let mut race = Race::new(settings, schema()).unwrap();
    finish(&mut race);
    for runner in race.runners() {
        let loss = &runner.curve().loss;
        assert_eq!(runner.steps_done(), 100);
        assert!(loss[loss.len() - 1] < loss[0], "{}", runner.entry.name);
    }
    let newton = &race.runners()[0].curve().loss;
    assert!(newton[1] < 1e-12 * newton[0]);
    // With noise a step asks for the same noise again.
    let settings = on("rosenbrock", &[("noise", 0.5)], entries, 50);
    let mut first = Race::new(settings.clone(), schema()).unwrap();
    let mut second = Race::new(settings, schema()).unwrap();
    finish(&mut first);
    finish(&mut second);
    for (a, b) in first.runners().iter().zip(second.runners()) {
        assert_eq!(losses(a), losses(b));
    }
}

#[test]
fn the_positive_part_of_a_hessian_has_its_positive_eigenvalues() {
    let settings = on(
        "saddle",
        &[],
        vec![
            entry("newton: optimizer=gauss_newton"),
            entry("b: optimizer=sgd"),
        ],
        5,
    );
    let mut race = Race::new(settings, schema()).unwrap();
    finish(&mut race);
    let loss: Vec<f64> = race.runners()[0].curve().loss.iter().copied().collect();
    assert!(loss.windows(2).all(|pair| pair[1] <= pair[0]), "{loss:?}");
}

#[test]
fn a_runner_as_the_recipe_is_the_plain_run() {
    let mut race = network(
        vec![
            Entry::base("plain"),
            entry("other: optimizer=momentum, batch_size=7"),
        ],
        Lockstep::Step,
    );
    finish(&mut race);
    let mut run = Run::new(&testing::recipe(), &PathBuf::from(".")).unwrap();
    while !run.is_finished() {
        run.step().unwrap();
    }
    let runner = &race.runners()[0];
    let plain = runner.run().unwrap();
    assert_eq!(plain.parameters(), run.parameters());
    assert_eq!(plain.history(), run.history());
    let rows: Vec<u64> = run
        .history()
        .rows()
        .iter()
        .map(|row| row.train_loss.to_bits())
        .collect();
    assert_eq!(losses(runner), rows);
    // The other one began at the same parameters and went another way.
    let other = race.runners()[1].run().unwrap();
    assert_eq!(other.setup().initial.theta, run.setup().initial.theta);
    assert_ne!(other.parameters(), run.parameters());
    // A second race is the same, bit for bit.
    let mut again = network(
        vec![
            Entry::base("plain"),
            entry("other: optimizer=momentum, batch_size=7"),
        ],
        Lockstep::Step,
    );
    finish(&mut again);
    assert_eq!(
        again.runners()[1].parameters(),
        race.runners()[1].parameters()
    );
    again.reset().unwrap();
    assert_eq!(again.clock(), 0.0);
    finish(&mut again);
    assert_eq!(
        again.runners()[1].parameters(),
        race.runners()[1].parameters()
    );
}

#[test]
fn by_steps_nobody_is_ahead_by_more_than_one() {
    let entries = vec![
        entry("a: learning_rate=0.1"),
        entry("b: learning_rate=0.01"),
    ];
    let mut race = network(entries, Lockstep::Step);
    let mut now = still();
    while race.advance(&mut now).unwrap().is_some() {
        let done: Vec<u64> = race.runners().iter().map(Runner::steps_done).collect();
        assert!(done[0].abs_diff(done[1]) <= 1, "{done:?}");
    }
}

#[test]
fn by_seconds_nobody_is_ahead_by_more_than_a_step() {
    // A clock on which the runners take 1 and 3 seconds in turns of their own.
    let entries = vec![
        entry("a: learning_rate=0.001"),
        entry("b: learning_rate=0.002"),
    ];
    let mut settings = on("himmelblau", &[], entries, 60);
    settings.lockstep = Lockstep::Time;
    let mut race = Race::new(settings, schema()).unwrap();
    let mut time = 0.0;
    while let Some(next) = race.next_runner() {
        let slow = if next == 0 { 1.0 } else { 3.0 };
        let mut now = || {
            time += slow;
            time
        };
        race.advance(&mut now).unwrap();
        let seconds: Vec<f64> = race.runners().iter().map(Runner::seconds).collect();
        assert!((seconds[0] - seconds[1]).abs() <= 3.0, "{seconds:?}");
    }
    // The fast one made three times as many steps, and ended the race.
    let done: Vec<u64> = race.runners().iter().map(Runner::steps_done).collect();
    assert_eq!(done, [60, 20]);
    assert_eq!(*race.runners()[0].status(), Status::Finished);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn by_eta_the_accumulated_rates_agree_within_one_step(
        rates in prop::collection::vec(1e-4f64..5e-3, 2..6),
        cosine in any::<bool>(),
    ) {
        let entries = rates
            .iter()
            .enumerate()
            .map(|(index, rate)| {
                let entry = Entry::base(format!("r{index}")).with("optimizer", "learning_rate", *rate);
                if cosine && index == 0 {
                    entry.with("schedule", "kind", "cosine")
                } else {
                    entry
                }
            })
            .collect();
        let mut settings = on("styblinski_tang", &[], entries, 100);
        settings.lockstep = Lockstep::Eta;
        let mut race = Race::new(settings, schema()).unwrap();
        let largest = rates.iter().copied().fold(0.0, f64::max);
        let mut now = still();
        while race.advance(&mut now).unwrap().is_some() {
            let sums: Vec<f64> = race.runners().iter().map(Runner::eta).collect();
            let low = sums.iter().copied().fold(f64::INFINITY, f64::min);
            let high = sums.iter().copied().fold(0.0, f64::max);
            prop_assert!(high - low <= largest * (1.0 + 1e-9), "{sums:?}");
        }
        // Somebody made all steps, and then it was over.
        prop_assert!(race.runners().iter().any(|runner| runner.steps_done() == 100));
    }
}

#[test]
fn gradient_descent_on_the_quadratic_shrinks_as_theory_says() {
    let kappa = 40.0f64;
    let best = 2.0 / (kappa + 1.0);
    let bound = 2.0 / kappa;
    let rate = |name: &str, rate: f64| Entry::base(name).with("optimizer", "learning_rate", rate);
    let entries = vec![
        rate("best", best),
        rate("below", 0.999 * bound),
        rate("above", 1.2 * bound),
    ];
    let settings = on("quadratic", &[("condition", kappa)], entries, 2000);
    let mut race = Race::new(settings, schema()).unwrap();
    finish(&mut race);
    let [fast, below, above] = race.runners() else {
        panic!()
    };
    // |v| and |u| both shrink by (κ − 1)/(κ + 1) a step at the best rate.
    let factor = (kappa - 1.0) / (kappa + 1.0);
    for step in [1usize, 10, 100] {
        let shrunk = (fast.curve().loss[step] / fast.curve().loss[0]).sqrt();
        let expected = factor.powi(step as i32);
        assert!(
            (shrunk / expected - 1.0).abs() < 1e-9,
            "{shrunk} {expected}"
        );
    }
    assert!(below.curve().loss[2000] < below.curve().loss[0]);
    let Status::Diverged(divergence) = above.status() else {
        panic!("{:?}", above.status());
    };
    assert!(
        divergence
            .explanation
            .contains("η = 0.06 exceeds 2/λ₁ = 0.05 at the start"),
        "{}",
        divergence.explanation
    );
    assert_eq!(*fast.status(), Status::Finished);
}

#[test]
fn a_clipped_runner_survives_the_cliff() {
    let entries = vec![
        entry("plain: learning_rate=0.1"),
        entry("clipped: learning_rate=0.1, clip_norm=0.5"),
    ];
    let mut race = Race::new(on("rnn_cliff", &[], entries, 500), schema()).unwrap();
    finish(&mut race);
    let step = |runner: &Runner| {
        let Path::Function(points) = runner.path() else {
            panic!()
        };
        points
            .windows(2)
            .map(|pair| {
                let ([a, b], [c, d]) = (pair[0].1, pair[1].1);
                (a - c).hypot(b - d)
            })
            .fold(0.0, f64::max)
    };
    let [plain, clipped] = race.runners() else {
        panic!()
    };
    assert!(step(plain) > 0.3, "{}", step(plain));
    assert!(step(clipped) < 0.0501, "{}", step(clipped));
}

#[test]
fn the_plane_of_a_function_is_the_whole_space() {
    let entries = vec![entry("sgd"), entry("adam: optimizer=adam")];
    let mut race = Race::new(on("beale", &[], entries, 50), schema()).unwrap();
    finish(&mut race);
    let landscape = race
        .landscape(PlaneChoice::Joint, 17)
        .compute(&(), &mut |_| ())
        .unwrap();
    assert_eq!(landscape.origin, PlaneOrigin::WholeSpace);
    let function = functions::named("beale").unwrap();
    for (path, runner) in landscape.paths.iter().zip(race.runners()) {
        assert!(path.points.iter().all(|point| point.off_plane == 0.0));
        let last = path.points.last().unwrap();
        assert_eq!(vec![last.alpha, last.beta], runner.parameters());
        assert_eq!(path.points.len(), 51);
    }
    let slice = &landscape.slice;
    assert_eq!(slice.alpha.first(), Some(&-4.5));
    assert_eq!(
        slice.at(3, 5).unwrap(),
        function.value([slice.alpha[3], slice.beta[5]])
    );
}

#[test]
fn the_joint_plane_says_what_it_leaves_out() {
    let entries = vec![
        Entry::base("plain"),
        entry("adam: optimizer=adam, learning_rate=0.01"),
        entry("slow: learning_rate=0.01"),
    ];
    let mut race = network(entries, Lockstep::Step);
    finish(&mut race);
    let mut grids = Vec::new();
    let landscape = race
        .landscape(PlaneChoice::Joint, 17)
        .compute(&(), &mut |coarse| grids.push(coarse.slice.alpha.len()))
        .unwrap();
    assert_eq!(grids, [5, 9, 17]);
    assert_eq!(landscape.origin, PlaneOrigin::Mean);
    let [first, second] = landscape.explained().unwrap();
    assert!(first >= second && first + second > 0.5 && first + second <= 1.0 + 1e-12);
    for path in &landscape.paths {
        // All start at one point.
        let start = path.points[0];
        assert_eq!((start.step, start), (0, landscape.paths[0].points[0]));
        let share = path.share.unwrap();
        assert!((0.0..=1.0).contains(&share.length_outside));
        assert!(path.errors.as_ref().unwrap().largest.is_finite());
        // The map holds every point.
        let slice = &landscape.slice;
        for point in path.points.iter() {
            assert!(slice.alpha[0] < point.alpha && point.alpha < slice.alpha[16]);
            assert!(slice.beta[0] < point.beta && point.beta < slice.beta[16]);
        }
    }
    // A runner's own plane goes through its last point.
    let own = race
        .landscape(PlaneChoice::Runner(1), 9)
        .compute(&(), &mut |_| ())
        .unwrap();
    assert_eq!(own.origin, PlaneOrigin::Last("adam".to_owned()));
    let last = own.paths[1].points.last().unwrap();
    assert!(last.alpha.abs() + last.beta.abs() + last.off_plane < 1e-5);
}

#[test]
fn scores_are_those_of_the_moment() {
    let entries = vec![Entry::base("plain"), entry("fast: learning_rate=0.5")];
    let mut race = network(entries, Lockstep::Step);
    let before = race.score_board(None, true, &()).unwrap();
    assert!(
        before
            .scores
            .iter()
            .all(|score| score.distance_from_start == 0.0)
    );
    assert_eq!(before.best, Some(0));
    finish(&mut race);
    let after = race.score_board(None, true, &()).unwrap();
    let best = after.best.unwrap();
    for (index, (score, runner)) in after.scores.iter().zip(race.runners()).enumerate() {
        assert_eq!(score.step, 50);
        assert!(score.train_loss >= after.scores[best].train_loss);
        assert_eq!(score.distance_from_best == Some(0.0), index == best);
        assert!((score.eta - runner.eta()).abs() < 1e-12);
        assert!(score.sharpness.unwrap().value > 0.0);
        assert!(score.val_loss.is_some());
        let setup = runner.run().unwrap().setup();
        let theta = runner.run().unwrap().parameters();
        let loss = setup.training.loss(theta, &mut setup.training.workspace());
        assert_eq!(score.train_loss, loss);
    }
    // Back at the start, all are equal again.
    let back = race.score_board(Some(0.0), false, &()).unwrap();
    assert_eq!(back.scores[0].train_loss, before.scores[0].train_loss);
    assert_eq!(back.scores[1].train_loss, before.scores[1].train_loss);
    let middle = race.score_board(Some(20.0), false, &()).unwrap();
    assert!(middle.scores.iter().all(|score| score.step == 20));
    assert!(middle.scores[0].sharpness.is_none());
}

#[test]
fn scrubbing_by_eta_stands_all_at_one_moment() {
    let entries = vec![
        entry("a: learning_rate=0.001"),
        entry("b: learning_rate=0.004"),
    ];
    let mut settings = on("himmelblau", &[], entries, 100);
    settings.lockstep = Lockstep::Eta;
    let mut race = Race::new(settings, schema()).unwrap();
    finish(&mut race);
    let board = race.score_board(Some(0.04), false, &()).unwrap();
    assert_eq!(board.scores[0].step, 40);
    assert_eq!(board.scores[1].step, 10);
    assert!((board.scores[0].eta - board.scores[1].eta).abs() < 1e-12);
    let minimum = board.scores[0].distance_from_minimum.unwrap();
    assert!(minimum > 0.0);
}

#[test]
fn a_diverged_runner_stops_and_the_others_go_on() {
    let settings = RaceSettings {
        base: testing::diverging(),
        base_dir: PathBuf::from("."),
        ground: GroundSettings::Network,
        entries: vec![
            Entry::base("wild"),
            entry("calm: learning_rate=0.001, steps=60"),
        ],
        lockstep: Lockstep::Step,
    };
    let mut race = Race::new(settings, schema()).unwrap();
    finish(&mut race);
    assert!(matches!(race.runners()[0].status(), Status::Diverged(_)));
    assert_eq!(*race.runners()[1].status(), Status::Finished);
    assert_eq!(race.runners()[1].steps_done(), 60);
    let landscape = race
        .landscape(PlaneChoice::Joint, 9)
        .compute(&(), &mut |_| ())
        .unwrap();
    assert!(landscape.paths[0].left_out > 0);
    assert!(landscape.slice.finite_range().is_some());
    // Nobody wants the numbers of a runner that left; the board has them.
    let board = race.score_board(None, true, &()).unwrap();
    assert_eq!(board.best, Some(1));
}

#[test]
fn impossible_races_are_refused() {
    let refuse = |entries: Vec<Entry>| {
        let settings = on("beale", &[], entries, 10);
        Race::new(settings, schema()).err().unwrap().to_string()
    };
    assert!(refuse(vec![Entry::base("a")]).contains("expected 2 to 8"));
    assert!(refuse(vec![Entry::base("a"), Entry::base("a")]).contains("two runners are called"));
    let many = (0..9).map(|i| Entry::base(format!("{i}"))).collect();
    assert!(refuse(many).contains("a race of 9 runners"));
    let bad = Entry::base("b").with("optimizer", "learning_rate", -3.0);
    assert!(refuse(vec![Entry::base("a"), bad]).contains("runner \"b\""));
    let mut settings = on("beale", &[], vec![Entry::base("a"), Entry::base("b")], 10);
    settings.ground = GroundSettings::Function {
        function: functions::section().component("beale").unwrap(),
        start: Some([f64::NAN, 0.0]),
    };
    assert!(Race::new(settings, schema()).is_err());
}

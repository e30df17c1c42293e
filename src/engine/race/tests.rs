use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::catalogue::schema;
use crate::functions;
use crate::race::{Entry, GroundSettings, Lockstep};
use crate::train::testing;

fn entries() -> Vec<Entry> {
    ["sgd", "adam: optimizer=adam, learning_rate=0.02"]
        .map(|text| Entry::parse(text, schema()).unwrap())
        .to_vec()
}

fn on_function(steps: i64) -> RaceSettings {
    let function = functions::section().component("rosenbrock").unwrap();
    let mut settings = RaceSettings::on_function(function, entries(), schema()).unwrap();
    settings.base.training.set("steps", steps);
    settings
}

fn on_network() -> RaceSettings {
    RaceSettings {
        base: testing::recipe(),
        base_dir: PathBuf::from("."),
        ground: GroundSettings::Network,
        entries: entries(),
        lockstep: Lockstep::Step,
    }
}

fn until(race: &RaceThread, what: &str, holds: impl Fn(&RaceFrame) -> bool) -> Arc<RaceFrame> {
    let start = Instant::now();
    loop {
        if let Some(frame) = race.frame()
            && holds(&frame)
        {
            return frame;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn over(frame: &RaceFrame) -> bool {
    frame.state == RaceState::Over
        && frame.board.scores.iter().all(|score| score.step > 0)
        && !frame.board.scores.is_empty()
}

#[test]
fn a_race_in_one_call_is_the_race_on_a_thread() {
    for settings in [on_function(300), on_network()] {
        let finish = Finish {
            plane: None,
            grid: 9,
            sharpness: true,
        };
        let done = run_to_end(
            settings.clone(),
            schema(),
            &finish,
            &CancelToken::new(),
            &|_, _| (),
        )
        .unwrap();
        assert_eq!(done.failures, Vec::<String>::new());
        assert_eq!(done.landscape.unwrap().slice.alpha.len(), 9);

        let race = RaceThread::new(Arc::new(|| ())).unwrap();
        race.set_map(PlaneChoice::Joint, 17).unwrap();
        race.load(settings).unwrap();
        race.look(None, true).unwrap();
        race.play().unwrap();
        let frame = until(&race, "over", |frame| {
            over(frame)
                && frame
                    .board
                    .scores
                    .iter()
                    .all(|score| score.sharpness.is_some())
        });
        for (live, quiet) in frame.runners.iter().zip(done.race.runners()) {
            assert_eq!(live.curve.loss, quiet.curve().loss);
            assert_eq!(live.curve.eta, quiet.curve().eta);
        }
        for (live, quiet) in frame.board.scores.iter().zip(&done.board.scores) {
            assert_eq!(live.train_loss, quiet.train_loss);
            assert_eq!(live.sharpness, quiet.sharpness);
        }
        // The map has all of the paths in the end.
        let start = Instant::now();
        loop {
            let found = race.landscape();
            if let Some(Ok(landscape)) = &found
                && landscape.slice.alpha.len() == 17
                && landscape
                    .paths
                    .iter()
                    .zip(&frame.runners)
                    .all(|(path, runner)| {
                        path.points
                            .last()
                            .is_some_and(|last| last.step == runner.steps_done)
                    })
            {
                break;
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "no map: {found:?}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn it_pauses_steps_scrubs_and_starts_again() {
    let race = RaceThread::new(Arc::new(|| ())).unwrap();
    race.set_speed(Some(200.0)).unwrap();
    let first = race.load(on_function(100_000)).unwrap();
    race.play().unwrap();
    until(&race, "ten steps", |frame| frame.clock >= 10.0);
    race.pause().unwrap();
    let frame = until(&race, "paused", |frame| frame.state == RaceState::Paused);
    assert_eq!(frame.generation, first);
    let clock = frame.clock;
    race.step().unwrap();
    let frame = until(&race, "a step", |frame| frame.clock == clock + 1.0);
    assert!(
        frame
            .runners
            .iter()
            .all(|runner| runner.steps_done as f64 == clock + 1.0)
    );
    race.look(Some(5.0), false).unwrap();
    let frame = until(&race, "a look back", |frame| frame.board.clock == 5.0);
    assert!(frame.board.scores.iter().all(|score| score.step == 5));
    let second = race.reset().unwrap();
    assert!(second > first);
    // Whatever is seen from now on is of the new race.
    let frame = until(&race, "the start", |frame| frame.clock == 0.0);
    assert_eq!(frame.generation, second);
    assert_eq!(frame.state, RaceState::Paused);
}

#[test]
fn what_cannot_race_is_told_and_the_next_one_can() {
    let race = RaceThread::new(Arc::new(|| ())).unwrap();
    let mut settings = on_function(10);
    settings.entries.truncate(1);
    race.load(settings).unwrap();
    until(
        &race,
        "refused",
        |frame| matches!(&frame.state, RaceState::Failed(message) if message.contains("2 to 8")),
    );
    race.play().unwrap();
    race.load(on_function(10)).unwrap();
    race.play().unwrap();
    until(&race, "over", over);
    // Nothing waits for a race that nobody wants.
    race.load(on_function(1_000_000)).unwrap();
    race.play().unwrap();
    drop(race);
}

#[test]
fn a_cancelled_race_ends_and_an_unknown_plane_is_refused() {
    let finish = Finish {
        plane: None,
        grid: 9,
        sharpness: false,
    };
    let cancel = CancelToken::new();
    cancel.cancel();
    let ended = run_to_end(on_function(10), schema(), &finish, &cancel, &|_, _| ());
    assert!(matches!(ended, Err(EndError::Cancelled)));
    let finish = Finish {
        plane: Some("nobody".to_owned()),
        ..finish
    };
    let ended = run_to_end(
        on_function(10),
        schema(),
        &finish,
        &CancelToken::new(),
        &|_, _| (),
    );
    let message = ended.err().unwrap().to_string();
    assert!(
        message.contains("expected joint or one of sgd, adam"),
        "{message}"
    );
}

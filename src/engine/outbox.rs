//! Events of the trainer on their way out. Nothing waits and nothing is lost:
//! what finds no room in the channel stays here, rows growing into longer
//! batches, until there is room.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError};

use super::command::Origin;
use super::event::{Event, EventKind};
use super::result::SpectrumPoint;
use super::waker::Waker;
use crate::train::{MetricRow, Snapshot};

pub(super) struct Outbox {
    events: Sender<Event>,
    waker: Waker,
    waiting: VecDeque<Event>,
}

impl Outbox {
    pub(super) fn new(events: Sender<Event>, waker: Waker) -> Self {
        Self {
            events,
            waker,
            waiting: VecDeque::new(),
        }
    }

    /// Adds an event behind all others.
    pub(super) fn push(&mut self, origin: Origin, kind: EventKind) {
        self.waiting.push_back(Event { origin, kind });
    }

    /// Adds rows to the last event if it holds rows of the same generation.
    pub(super) fn push_rows(&mut self, origin: Origin, rows: Vec<MetricRow>) {
        if rows.is_empty() {
            return;
        }
        if let Some(Event {
            origin: last,
            kind: EventKind::Metrics(waiting),
        }) = self.waiting.back_mut()
            && *last == origin
        {
            waiting.extend(rows);
        } else {
            self.push(origin, EventKind::Metrics(rows));
        }
    }

    /// The same for measured eigenvalues.
    pub(super) fn push_spectrum(&mut self, origin: Origin, points: Vec<SpectrumPoint>) {
        if points.is_empty() {
            return;
        }
        if let Some(Event {
            origin: last,
            kind: EventKind::Spectrum(waiting),
        }) = self.waiting.back_mut()
            && *last == origin
        {
            waiting.extend(points);
        } else {
            self.push(origin, EventKind::Spectrum(points));
        }
    }

    /// The same for snapshots.
    pub(super) fn push_snapshots(&mut self, origin: Origin, snapshots: Vec<Arc<Snapshot>>) {
        if snapshots.is_empty() {
            return;
        }
        if let Some(Event {
            origin: last,
            kind: EventKind::Snapshots(waiting),
        }) = self.waiting.back_mut()
            && *last == origin
        {
            waiting.extend(snapshots);
        } else {
            self.push(origin, EventKind::Snapshots(snapshots));
        }
    }

    /// Sends what there is room for; `true` when nothing is left.
    pub(super) fn flush(&mut self) -> bool {
        let mut sent = false;
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => sent = true,
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    break;
                }
                // Nobody listens any more.
                Err(TrySendError::Disconnected(_)) => self.waiting.clear(),
            }
        }
        if sent {
            self.waker.notify();
        }
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64) -> MetricRow {
        MetricRow {
            step,
            ..MetricRow::default()
        }
    }

    #[test]
    fn rows_wait_for_room_and_none_is_lost() {
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let mut outbox = Outbox::new(sender, Waker::new(Arc::new(|| ())));
        let origin = Origin::default();
        for step in 0..100 {
            outbox.push_rows(origin, vec![row(step)]);
            assert_eq!(outbox.flush(), step == 0);
        }
        let mut steps = Vec::new();
        loop {
            match receiver.try_recv() {
                Ok(Event {
                    kind: EventKind::Metrics(rows),
                    ..
                }) => steps.extend(rows.iter().map(|row| row.step)),
                Ok(_) => panic!("only rows were sent"),
                Err(_) => break,
            }
            outbox.flush();
        }
        assert_eq!(steps, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn rows_of_two_generations_stay_apart() {
        let (sender, receiver) = crossbeam_channel::bounded(8);
        let mut outbox = Outbox::new(sender, Waker::new(Arc::new(|| ())));
        let old = Origin::default();
        let new = Origin {
            generation: super::super::Generation(1),
            ..old
        };
        outbox.push_rows(old, vec![row(0)]);
        outbox.push_rows(new, vec![row(0)]);
        outbox.push_rows(new, vec![]);
        assert!(outbox.flush());
        assert_eq!(receiver.len(), 2);
    }
}

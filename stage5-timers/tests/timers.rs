//! The queue of deadlines against a plain model, and the kernel's timer against
//! the clock.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proptest::prelude::*;
use slotmap::{DefaultKey, SlotMap};
use stage::timers::{Timers, now};

/// How long a timer of some milliseconds is waited for before it counts as
/// never fired, in milliseconds.
const CEILING: u16 = 20_000;

/// What can be done with the deadlines. A connection is named by its
/// place in the list of those there have been.
#[derive(Debug, Clone)]
enum Action {
    /// A connection comes, with a deadline.
    Add(u64),
    /// A connection has another deadline.
    Move(usize, u64),
    /// A connection goes.
    Remove(usize),
    /// Time goes by: whose deadline has come?
    Due(u64),
}

fn action() -> impl Strategy<Value = Action> {
    // Few times, so that many deadlines are the same.
    let time = 0_u64..20;
    let who = any::<prop::sample::Index>();
    let who = who.prop_map(|index| index.index(40));
    prop_oneof![
        3 => time.clone().prop_map(Action::Add),
        4 => (who.clone(), time.clone()).prop_map(|(w, t)| Action::Move(w, t)),
        2 => who.prop_map(Action::Remove),
        1 => time.prop_map(Action::Due),
    ]
}

/// Who is due by then, as the queue says, and in which order of deadlines.
fn due(timers: &mut Timers, model: &mut BTreeMap<DefaultKey, u64>, time: u64) {
    let at = Duration::from_secs(time);
    let mut before = 0;
    while let Some(key) = timers.pop_due(at) {
        let deadline = model.remove(&key);
        assert!(deadline.is_some(), "due twice, or never scheduled");
        let deadline = deadline.unwrap();
        assert!(deadline <= time, "{deadline} came at {time}");
        assert!(deadline >= before, "{deadline} came after {before}");
        before = deadline;
    }
    let left = model.values().min().copied().unwrap_or(u64::MAX);
    assert!(left > time, "at {time} the one of {left} is still there");
}

fn play(actions: &[Action]) {
    let mut timers = Timers::new().unwrap();
    // Keys of closed connections stay in the list: to move them is what must
    // not happen, and to remove them once more does nothing.
    let mut live: SlotMap<DefaultKey, ()> = SlotMap::new();
    let mut keys = Vec::new();
    let mut model = BTreeMap::new();
    for action in actions {
        match *action {
            Action::Add(time) => {
                let key = live.insert(());
                keys.push(key);
                timers.schedule(key, Duration::from_secs(time));
                model.insert(key, time);
            }
            Action::Move(who, time) => {
                let Some(&key) = keys.get(who) else { continue };
                if !live.contains_key(key) {
                    continue;
                }
                timers.schedule(key, Duration::from_secs(time));
                // One that moves to later is left where it is: it comes due
                // too early, and is put in again then.
                let entry = model.entry(key).or_insert(time);
                *entry = time.min(*entry);
            }
            Action::Remove(who) => {
                let Some(&key) = keys.get(who) else { continue };
                timers.cancel(key);
                model.remove(&key);
                live.remove(key);
            }
            Action::Due(time) => due(&mut timers, &mut model, time),
        }
    }
    due(&mut timers, &mut model, 100);
    assert!(model.is_empty(), "never due: {model:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_queue_agrees_with_a_plain_map(
        actions in prop::collection::vec(action(), 0..120)
    ) {
        play(&actions);
    }
}

/// Sleeps until the timer is readable; false if it is not in time.
fn fires(timers: &Timers, patience: impl Into<PollTimeout>) -> bool {
    let mut list = [PollFd::new(timers.fd(), PollFlags::POLLIN)];
    poll(&mut list, patience).unwrap() == 1
}

/// Reads the timer, as the server need not: how often it has fired.
fn count(timers: &Timers) -> nix::Result<u64> {
    let mut bytes = [0; 8];
    nix::unistd::read(timers.fd(), &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[test]
fn the_kernel_fires_once_and_not_early() {
    let mut timers = Timers::new().unwrap();
    let mut keys: SlotMap<DefaultKey, ()> = SlotMap::new();
    let (first, second) = (keys.insert(()), keys.insert(()));
    let at = now() + Duration::from_millis(20);
    timers.schedule(second, at + Duration::from_secs(600));
    timers.schedule(first, at);
    timers.arm(None).unwrap();
    assert_eq!(count(&timers), Err(Errno::EAGAIN), "it fires at once");
    assert!(fires(&timers, CEILING), "it never fires");
    assert!(now() >= at, "it fires early");
    timers.fired();
    assert_eq!(timers.pop_due(now()), Some(first));
    assert_eq!(timers.pop_due(now()), None);
    assert_eq!(count(&timers), Ok(1));
    timers.arm(None).unwrap();
    assert_eq!(count(&timers), Err(Errno::EAGAIN), "it fires twice");
}

#[test]
fn a_time_that_has_passed_fires_at_once() {
    for passed in [Duration::ZERO, now()] {
        let mut timers = Timers::new().unwrap();
        let mut keys: SlotMap<DefaultKey, ()> = SlotMap::new();
        timers.schedule(keys.insert(()), passed);
        timers.arm(None).unwrap();
        assert!(fires(&timers, CEILING), "{passed:?}");
    }
}

#[test]
fn nothing_to_wait_for_sets_no_alarm() {
    let mut timers = Timers::new().unwrap();
    let mut keys: SlotMap<DefaultKey, ()> = SlotMap::new();
    timers.arm(None).unwrap();
    assert!(!fires(&timers, PollTimeout::ZERO));
    // The server's own deadline is one too, and the earlier of both counts.
    timers.schedule(keys.insert(()), now() + Duration::from_secs(600));
    timers.arm(None).unwrap();
    assert!(!fires(&timers, PollTimeout::ZERO));
    timers.arm(Some(now())).unwrap();
    assert!(fires(&timers, CEILING));
}

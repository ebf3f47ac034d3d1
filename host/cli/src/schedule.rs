//! The ticks of `smelt up`: when one begins, what it does, and the signals that end them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_engine::run::{Generated, Generation, Host, Report};

/// The roles that a process takes on. Several processes with one role each do the same as one process with all three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The process brings raw files to bronze: it runs the pipeline's sources.
    pub(crate) generate: bool,
    /// The process turns new bronze into silver.
    pub(crate) clean: bool,
    /// The process brings gold up to date with silver.
    pub(crate) aggregate: bool,
}

/// The result of a tick.
pub(crate) struct Tick {
    /// The number of the tick, from 1.
    pub(crate) number: u64,
    /// The number of bronze objects that the sources wrote.
    pub(crate) generated: usize,
    /// The result of cleaning and aggregating.
    pub(crate) report: Report,
    /// The time from the tick's beginning to its end.
    pub(crate) took: Duration,
}

/// Calls `tick` at once and then every `every`, until `shutdown` resolves, and hands each result to `show`.
///
/// If `shutdown` resolves during a tick, the tick still ends: with its commit or, if that fails, without one. If a tick fails as a
/// whole, because the lake is out of reach or the machine has no thread left, the next tick tries again.
pub(crate) async fn up(
    every: Duration,
    tick: impl Fn(u64) -> Result<Tick> + Send + Sync + 'static,
    shutdown: impl Future<Output = ()>,
    mut show: impl FnMut(Result<Tick>),
) -> Result<()> {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    tokio::pin!(shutdown);
    let tick = Arc::new(tick);
    for number in 1.. {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = interval.tick() => {}
        }
        let tick = Arc::clone(&tick);
        let (told, done) = oneshot::channel();
        // A tick has a thread of its own, because plugins and files would hold up signals. std's builder returns an error if the
        // machine has no thread left; tokio's `spawn_blocking` would panic.
        let ticking =
            std::thread::Builder::new().name("smelt-tick".into()).spawn(move || told.send(tick(number)).is_ok());
        show(match ticking {
            Err(error) => Err(workers::no_thread(&error)),
            Ok(_) => done.await.map_err(|_| Error::internal(format!("tick {number} died")))?,
        });
    }
    Ok(())
}

/// Runs one tick of a host.
pub(crate) fn tick(host: &Host, number: u64, roles: Roles) -> Result<Tick> {
    let began = std::time::Instant::now();
    if roles.generate {
        // Generating reads no catalog, so it would not notice that another source was promoted.
        host.expect_current()?;
    }
    let Generated { keys, places: _, failures } = match roles.generate {
        true => host.generate(&Generation { ticks: 1, ..Generation::default() })?,
        false => Generated::default(),
    };
    let arrived = if roles.generate { host.arrive()? } else { Report::default() };
    let mut report = match (roles.clean, roles.aggregate) {
        (true, true) => host.run()?,
        (true, false) => host.clean()?,
        (false, true) => host.aggregate()?,
        (false, false) => Report::default(),
    };
    report.after(arrived);
    if roles.generate {
        report.then(host.put_away()?);
    }
    report.failures.splice(0..0, failures);
    Ok(Tick { number, generated: keys.len(), report, took: began.elapsed() })
}

/// Resolves at the first Ctrl-C or SIGTERM. A second one then ends the process at once, as if nothing caught it.
pub(crate) async fn signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Error::internal(format!("cannot listen for signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

//! `smelt up`: the roles in turn, over and over, until a signal.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_engine::run::{Generated, Generation, Host, Report};

/// Which roles a process takes on. Several processes, each with one of them, are together what one with all three is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The sources write to bronze.
    pub(crate) generate: bool,
    /// New bronze becomes silver.
    pub(crate) clean: bool,
    /// Gold follows silver.
    pub(crate) aggregate: bool,
}

/// What a tick came to; handed to whoever shows it.
pub(crate) struct Tick {
    /// Which tick it was, from 1.
    pub(crate) number: u64,
    /// How many bronze objects the sources wrote.
    pub(crate) generated: usize,
    /// What cleaning and aggregating came to.
    pub(crate) report: Report,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Calls `tick` with its number at once and then every so often, until `shutdown` resolves. The tick under way is then finished: it ends
/// with its commit or, where that fails, without one.
///
/// A tick that fails as a whole (the lake is out of reach, or the machine has no thread left) is shown and tried again; it ends
/// nothing.
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
        // On a thread of its own: guests and files would stall the signals. tokio's would panic where there is none to be had.
        let ticking =
            std::thread::Builder::new().name("smelt-tick".into()).spawn(move || told.send(tick(number)).is_ok());
        show(match ticking {
            Err(error) => Err(workers::no_thread(&error)),
            Ok(_) => done.await.map_err(|_| Error::internal(format!("tick {number} died")))?,
        });
    }
    Ok(())
}

/// One tick of a host.
pub(crate) fn tick(host: &Host, number: u64, roles: Roles) -> Result<Tick> {
    let began = std::time::Instant::now();
    if roles.generate {
        // Nothing else would tell it that another source was promoted.
        host.expect_current()?;
    }
    let Generated { keys, failures } = match roles.generate {
        true => host.generate(&Generation { ticks: 1, ..Generation::default() })?,
        false => Generated::default(),
    };
    let mut report = match (roles.clean, roles.aggregate) {
        (true, true) => host.run()?,
        (true, false) => host.clean()?,
        (false, true) => host.aggregate()?,
        (false, false) => Report::default(),
    };
    report.failures.splice(0..0, failures);
    Ok(Tick { number, generated: keys.len(), report, took: began.elapsed() })
}

/// Resolves at the first Ctrl-C or SIGTERM. From then on a second one ends the process at once, as if nothing caught it.
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

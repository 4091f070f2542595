use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _};
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep, timeout};

use super::failure::Failure;
use super::link::{Connections, Shared};
use crate::config::RedisSettings;

/// So that one large value does not hold up everybody. Redis itself takes one command at a time,
/// and small plans allow some thirty connections to all instances together.
const CONNECTIONS: usize = 2;
/// Questions that may wait to be written to a connection. More would only wait to be late.
const QUEUED_QUESTIONS: usize = 1024;
/// Least pause between two attempts to connect.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Most, but for the jitter: what an outage of Redis outlasts its end by.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A link that held this long failed by accident, and is made anew at once; one that did not is
/// made again and again only with pauses, else a Redis that is always late would be asked, and
/// late, all the time.
const STEADY_AFTER: Duration = Duration::from_secs(10);
/// What is written to see whether writing works.
const TRIAL_KEY: &str = "tester:trial";

/// Makes the connections of a link, for as long as it is polled.
pub(super) struct Keeper {
    client: Client,
    config: AsyncConnectionConfig,
    connect_timeout: Duration,
    shared: Arc<Shared>,
}

impl Keeper {
    pub(super) fn new(settings: &RedisSettings, shared: Arc<Shared>) -> Self {
        // Many small questions share a connection; none waits for the answer to the one before.
        let address = settings
            .url
            .expose_secret()
            .into_connection_info()
            .expect("the settings were checked by this very parser")
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(QUEUED_QUESTIONS);
        Self {
            client: Client::open(address).expect("the address is parsed already"),
            config,
            connect_timeout: settings.connect_timeout,
            shared,
        }
    }

    /// Connects, and again whenever the breaker opens. Never ends.
    pub(super) async fn keep(self) {
        let mut pauses = pauses();
        loop {
            match self.connect().await {
                Ok(connections) => {
                    self.shared.close(&connections);
                    let closed = Instant::now();
                    self.watch(&connections).await;
                    drop(connections);
                    if closed.elapsed() >= STEADY_AFTER {
                        pauses = self::pauses();
                        continue;
                    }
                }
                Err(failure) => self.shared.still_down(&failure),
            }
            sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
        }
    }

    async fn connect(&self) -> Result<Arc<Connections>, Failure> {
        let made = (0..CONNECTIONS)
            .map(|_| self.client.get_multiplexed_async_connection_with_config(&self.config));
        let made = timeout(self.connect_timeout, try_join_all(made)).await??;
        let connections = Arc::new(Connections::new(made));
        try_join_all(connections.all().iter().map(|connection| self.try_out(connection))).await?;
        self.tell(&connections).await?;
        Ok(connections)
    }

    /// One that could not do this in time would only cost every request its deadline.
    async fn try_out(&self, connection: &MultiplexedConnection) -> Result<(), Failure> {
        let mut connection = connection.clone();
        let mut write = redis::cmd("SET");
        write.arg(TRIAL_KEY).arg("").arg("PX").arg(1_000);
        self.shared.in_time(write.exec_async(&mut connection)).await
    }

    /// Tells Redis of the changes that it missed.
    async fn tell(&self, connections: &Connections) -> Result<(), Failure> {
        let told = self.shared.untold.tell(connections.next());
        Ok(timeout(self.connect_timeout, told).await??)
    }

    /// Waits until the breaker opens; tells meanwhile what was left untold while it closed.
    async fn watch(&self, connections: &Arc<Connections>) {
        loop {
            tokio::select! {
                () = self.shared.opened() => return,
                () = self.shared.untold.grown() => {
                    if let Err(failure) = self.tell(connections).await {
                        self.shared.open(connections, &failure);
                    }
                }
            }
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .without_max_times()
        .with_jitter()
        .build()
}

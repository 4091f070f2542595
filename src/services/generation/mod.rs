//! The main job: from a request to streamed, stored tests.
//!
//! Every generation runs as one task of its own, from the bot check to the last frame. The task
//! outlives its client, so that a charge taken is always settled or refunded, also when the client
//! leaves in the middle; what it does for a client that left is only that.
//!
//! ```text
//! admit: source valid? → bot? → cached? → charge      a refusal here is an HTTP error
//! write: model → fences → chunks                      a failure here is an error frame
//!        or built-in engine → tests                   free of charge; in a model's place too
//! close: refund; or settle, save and cache side by side → done
//! ```

mod answers;
mod meter;
mod order;
mod writing;

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::answers::Answer;
pub use self::answers::AnswerCache;
use self::meter::{Meter, Outcome};
pub use self::order::{Failure, GenerationEvent, Order, Receipt, Refusal, Ticket};
use self::writing::{Finished, Interruption, Task, Written, stream_tests};
use super::history::HistoryService;
use super::wallet::{Payment, WalletService};
use crate::domain::{
    CacheKey, Charge, Freshness, GenerationId, GenerationRequest, NewGeneration, TokenUsage, Writer,
};
use crate::gateways::{BotCheck, ExplorationError, LlmError, TestWriter, WriterError};
use crate::languages::{self, SourceProblem};

/// Sources up to this many bytes are parsed on the serving thread (well under a millisecond);
/// larger ones move to a blocking thread, so that no open stream waits for a parse.
const INLINE_CHECK_MAX_BYTES: usize = 2 * 1024;

/// What the service is made of.
pub struct Parts {
    /// Write the tests.
    pub writers: Writers,
    /// Keeps bots out.
    pub bot_check: Arc<dyn BotCheck>,
    /// Takes the price.
    pub wallet: Arc<WalletService>,
    /// Stores the result.
    pub history: Arc<HistoryService>,
    /// Answers that were given before.
    pub answers: AnswerCache,
    /// Events held for a client that reads slowly.
    pub buffered_events: usize,
    /// Generations at one time, the cached ones included.
    pub max_running: usize,
    /// Cancelled when new orders must be refused.
    pub draining: CancellationToken,
    /// Cancelled when open streams must end.
    pub cut_off: CancellationToken,
    /// Knows the running tasks, for shutdown to wait for.
    pub tasks: TaskTracker,
}

/// Whoever writes tests here.
#[derive(Clone)]
pub struct Writers {
    /// A model; `None` when none is configured.
    pub model: Option<Arc<dyn TestWriter>>,
    /// The built-in engine; `None` when it is switched off.
    pub builtin: Option<Arc<dyn TestWriter>>,
    /// Whether the built-in engine writes instead of a model that is down.
    pub fallback: bool,
}

impl Writers {
    fn of(&self, writer: &Writer) -> Option<Arc<dyn TestWriter>> {
        match writer {
            Writer::Model(_) => self.model.clone(),
            Writer::Builtin => self.builtin.clone(),
        }
    }

    /// Who can write instead of one that failed so: the built-in engine, for a model that is down.
    fn instead(&self, request: &GenerationRequest, error: &WriterError) -> Option<&dyn TestWriter> {
        let down = matches!(
            error,
            WriterError::Model(
                LlmError::Unreachable(_) | LlmError::Busy { .. } | LlmError::Timeout(_)
            )
        );
        let builtin = self.builtin.as_deref().filter(|_| self.fallback && down);
        builtin.filter(|builtin| builtin.writes(request.language))
    }
}

/// Takes orders and fills them.
pub struct GenerationService {
    parts: Parts,
    /// One for each generation that may run.
    places: Semaphore,
}

impl GenerationService {
    /// A service made of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let places = Semaphore::new(parts.max_running);
        Self { parts, places }
    }

    /// Starts to fill an order, on the runtime of the calling thread.
    #[must_use]
    pub fn start(self: &Arc<Self>, order: Order) -> Ticket {
        let (admit, admission) = oneshot::channel();
        let (sender, events) = mpsc::channel(self.parts.buffered_events);
        let service = Arc::clone(self);
        let span = tracing::Span::current();
        let fill = async move { service.fill(order, admit, sender).await };
        self.parts.tasks.spawn(tracing::Instrument::instrument(fill, span));
        Ticket { admission, events }
    }

    async fn fill(
        &self,
        order: Order,
        admit: oneshot::Sender<Result<(), Refusal>>,
        events: mpsc::Sender<GenerationEvent>,
    ) {
        let id = GenerationId::random();
        // Refused at once rather than late: whoever waits for a wallet that is asked by too many
        // would be told only when its time is up.
        let (_place, admitted) = match self.places.try_acquire() {
            Ok(place) => (Some(place), self.admit(id, &order).await),
            Err(_) => (None, Err(Refusal::Crowded)),
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                // A client that left needs no refusal.
                let _ = admit.send(Err(refusal));
                return;
            }
        };
        let client_left = admit.send(Ok(())).is_err();
        let meter = Meter::start(id, order.request.language);
        let task = Task { id, order: &order, events: &events, meter: &meter };
        let outcome = match admitted {
            Admitted::Cached(_) if client_left => Outcome::LeftEarly,
            Admitted::Cached(answer) => self.replay(&task, answer).await,
            Admitted::ToWrite { charge, .. } if client_left => {
                self.refund(charge).await;
                Outcome::LeftEarly
            }
            Admitted::ToWrite { charge, cache_key, writer } => {
                self.write(&task, charge, cache_key, &*writer).await
            }
        };
        meter.ended(outcome);
    }

    async fn admit(&self, id: GenerationId, order: &Order) -> Result<Admitted, Refusal> {
        if self.parts.draining.is_cancelled() {
            return Err(Refusal::Draining);
        }
        let request = &order.request;
        check_source(request).await.map_err(Refusal::InvalidSource)?;
        let writer = self.parts.writers.of(&request.writer).ok_or(Refusal::NoModel)?;
        self.parts
            .bot_check
            .verify(order.turnstile_token.as_deref(), order.client)
            .await
            .map_err(Refusal::Bot)?;
        let cache_key = self.parts.answers.key(request, writer.version());
        if request.freshness == Freshness::CachedWillDo
            && let Some(answer) = self.parts.answers.get(&cache_key).await
        {
            return Ok(Admitted::Cached(answer));
        }
        let charge = match &request.writer {
            Writer::Model(_) => self.charge(id, order).await?,
            Writer::Builtin => None,
        };
        Ok(Admitted::ToWrite { charge, cache_key, writer })
    }

    async fn charge(&self, id: GenerationId, order: &Order) -> Result<Option<Charge>, Refusal> {
        let now = OffsetDateTime::now_utc();
        match self.parts.wallet.charge(order.user.id, id, now).await {
            Ok(Payment::Free) => Ok(None),
            Ok(Payment::Charged(charge)) => Ok(Some(charge)),
            Ok(Payment::Insufficient { required, current }) => {
                Err(Refusal::InsufficientTokens { required, current })
            }
            Err(error) => Err(Refusal::Wallet(error)),
        }
    }

    /// Sends a stored answer. It costs nothing, and belongs into the history like any other.
    async fn replay(&self, task: &Task<'_>, answer: Answer) -> Outcome {
        if task.send(GenerationEvent::Chunk(answer.code.clone())).await.is_err() {
            return Outcome::LeftEarly;
        }
        self.save_and_finish(task, answer, None, std::future::ready(())).await;
        Outcome::Cached
    }

    async fn write(
        &self,
        task: &Task<'_>,
        mut charge: Option<Charge>,
        mut cache_key: CacheKey,
        writer: &dyn TestWriter,
    ) -> Outcome {
        let mut written = Written::default();
        let request = &task.order.request;
        let mut ended = self.attempt(task, request, writer, &mut written).await;
        if let Err(Interruption::Writer(error)) = &ended
            && written.code.is_empty()
            && let Some(builtin) = self.parts.writers.instead(request, error)
        {
            tracing::warn!(generation = %task.id, %error, "the built-in engine writes instead");
            task.meter.fell_back();
            self.refund(charge.take()).await;
            let request = GenerationRequest { writer: Writer::Builtin, ..request.clone() };
            cache_key = self.parts.answers.key(&request, builtin.version());
            // A client that left is noticed by the attempt.
            let _ = task.send(GenerationEvent::FellBack).await;
            ended = self.attempt(task, &request, builtin, &mut written).await;
        }
        match ended {
            Ok(Finished { model, usage, suite }) => {
                task.meter.usage(usage);
                let answer = Answer { code: written.code, model, suite };
                let kept = self.parts.answers.put(cache_key, &answer);
                let beside = async {
                    tokio::join!(self.settle(charge), kept);
                };
                self.save_and_finish(task, answer, Some(usage), beside).await;
                Outcome::Complete
            }
            Err(Interruption::ClientLeft) if written.reached_client => {
                self.settle(charge).await;
                Outcome::LeftLate
            }
            Err(Interruption::ClientLeft) => {
                self.refund(charge).await;
                Outcome::LeftEarly
            }
            Err(Interruption::CutOff) => self.fail(task, charge, Failure::Shutdown).await,
            Err(Interruption::Writer(error)) => {
                let model = request.writer.name();
                tracing::warn!(generation = %task.id, model, %error, "no complete answer");
                self.fail(task, charge, Failure::from(error)).await
            }
        }
    }

    /// Has the tests written, until they are complete, the client is gone or the process ends.
    async fn attempt(
        &self,
        task: &Task<'_>,
        request: &GenerationRequest,
        writer: &dyn TestWriter,
        written: &mut Written,
    ) -> Result<Finished, Interruption> {
        tokio::select! {
            biased;
            () = task.events.closed() => Err(Interruption::ClientLeft),
            () = self.parts.cut_off.cancelled() => Err(Interruption::CutOff),
            ended = stream_tests(task, request, writer, written) => ended,
        }
    }

    /// Refunds before it tells, so that whoever reads the frame finds the tokens back.
    async fn fail(&self, task: &Task<'_>, charge: Option<Charge>, failure: Failure) -> Outcome {
        self.refund(charge).await;
        let outcome = match &failure {
            Failure::Blocked => Outcome::Blocked,
            Failure::Truncated => Outcome::Truncated,
            Failure::Busy { .. } | Failure::Exploration(ExplorationError::Busy { .. }) => {
                Outcome::Busy
            }
            Failure::Timeout | Failure::Exploration(ExplorationError::Timeout) => Outcome::Timeout,
            Failure::Exploration(
                ExplorationError::Unloadable { .. }
                | ExplorationError::NothingTestable
                | ExplorationError::Unstable
                | ExplorationError::TooLong { .. },
            ) => Outcome::NothingToWrite,
            Failure::Model | Failure::Exploration(_) => Outcome::Failed,
            Failure::Shutdown => Outcome::CutOff,
        };
        // A client that left as well needs no frame.
        let _ = task.send(GenerationEvent::Failed(failure)).await;
        outcome
    }

    /// Stores the result, also for a client that left meanwhile: the work is done and paid for.
    /// What is to be done `beside` that is done at the same time, so that the last frame waits for
    /// the longest of it alone.
    async fn save_and_finish(
        &self,
        task: &Task<'_>,
        answer: Answer,
        usage: Option<TokenUsage>,
        beside: impl Future<Output = ()>,
    ) {
        // From here on a client that left is no reason to stop, so a failed send is none either.
        let _ = task.send(GenerationEvent::Saving).await;
        let saved = self.parts.history.save(NewGeneration {
            id: task.id,
            user: task.order.user.id,
            input_code: task.order.request.source.as_str().to_owned(),
            generated_code: answer.code,
            language: task.order.request.language,
            model: answer.model.clone(),
        });
        let (saved, ()) = tokio::join!(saved, beside);
        let history_id = match saved {
            Ok(row) => Some(row.id),
            Err(error) => {
                tracing::error!(generation = %task.id, %error, "the result could not be stored");
                let _ = task.send(GenerationEvent::NotSaved).await;
                None
            }
        };
        let receipt = Receipt {
            history_id,
            cached: usage.is_none(),
            model: answer.model,
            usage: usage.unwrap_or_default(),
            suite: answer.suite,
        };
        let _ = task.send(GenerationEvent::Done(receipt)).await;
    }

    async fn settle(&self, charge: Option<Charge>) {
        if let Some(charge) = charge {
            self.parts.wallet.settle(charge).await;
        }
    }

    async fn refund(&self, charge: Option<Charge>) {
        if let Some(charge) = charge {
            self.parts.wallet.refund(charge).await;
        }
    }
}

enum Admitted {
    Cached(Answer),
    ToWrite { charge: Option<Charge>, cache_key: CacheKey, writer: Arc<dyn TestWriter> },
}

async fn check_source(request: &GenerationRequest) -> Result<(), SourceProblem> {
    if request.source.as_str().len() <= INLINE_CHECK_MAX_BYTES {
        return languages::check(&request.source, request.language);
    }
    let (source, language) = (request.source.clone(), request.language);
    tokio::task::spawn_blocking(move || languages::check(&source, language))
        .await
        .expect("the check does not panic and is never aborted")
}

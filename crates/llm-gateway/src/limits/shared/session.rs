//! The task that speaks to the server: one session after another, each over one connection, everything in order.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisError, ScriptInvocation, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::reply::{self, News, Word};
use super::{FRESH, LEASE, PATIENCE, TICK, presence, script, server};
use crate::limits::counter::Held;
use crate::limits::link::{Ask, Change, Offer, Op, Own};
use crate::limits::{Bucket, Ledger, Standing};
use crate::store::replicas::Counted;
use crate::store::{Db, replicas};

/// The first pause after a session that broke, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));
/// From which length on a session counts as a good one.
const GOOD: Duration = Duration::from_secs(5);
/// The most that is told and asked in one step: few enough that replicas which are asked much at once take turns, so that
/// each learns soon what the others took.
const BATCH: usize = 32;
/// The most limits of one step that no call waits for.
const LIMITS: usize = 200;

/// What the task needs.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) client: Client,
    pub(super) ledger: Ledger,
    pub(super) db: Db,
    pub(super) me: String,
    pub(super) deadline: Duration,
    pub(super) inbox: mpsc::UnboundedReceiver<Op>,
    pub(super) stop: CancellationToken,
}

/// Why a session ended.
#[derive(Debug)]
enum Broken {
    Redis(RedisError),
    /// It is a server that can't hold the counters.
    Unfit(llm_core::Error),
    /// No answer within this time.
    Late(Duration),
    /// The server does not know the session any more: it was emptied, or this replica was given up.
    Forgotten,
    /// A call has waited in vain.
    Parted,
    /// The answer can't be understood.
    Garbled,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) => error.fmt(f),
            Self::Unfit(error) => error.fmt(f),
            Self::Late(patience) => write!(f, "no answer within {patience:?}"),
            Self::Forgotten => f.write_str("the server has forgotten this replica"),
            Self::Parted => f.write_str("a call has waited in vain"),
            Self::Garbled => f.write_str("the server's answer can't be understood"),
        }
    }
}

impl From<RedisError> for Broken {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

/// One session.
struct Session<'a> {
    task: &'a mut Task,
    redis: MultiplexedConnection,
    id: String,
    /// Whether the server was seeded in this epoch, by anybody.
    seeded: bool,
    /// Whether this session has put in what the database knows of others.
    sown: bool,
    trusted: bool,
    /// The version of the limits that is known here.
    version: i64,
}

impl Task {
    /// Speaks to the server until it is told to stop.
    pub(super) async fn run(mut self) {
        let (mut pause, longest) = PAUSE;
        let mut is_said = false;
        loop {
            let begin = Instant::now();
            let stop = self.stop.clone();
            let ended = Session::hold(&mut self).await;
            let was_together = self.ledger.part();
            // Who waits for a word decides on its share.
            while self.inbox.try_recv().is_ok() {}
            let Err(broken) = ended else { return };
            if begin.elapsed() > GOOD {
                pause = PAUSE.0;
            }
            if was_together || !is_said {
                tracing::warn!(%broken, "the shared counters are lost; this replica spends its share of what was left");
                is_said = true;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(longest);
        }
    }
}

impl<'a> Session<'a> {
    /// Connects, says all that this replica holds, and goes on until the line breaks or the task is told to stop.
    async fn hold(task: &'a mut Task) -> Result<(), Broken> {
        let mut redis = server::connect(&task.client, PATIENCE).await?;
        let info = server::Info::ask(&mut redis).await?;
        info.check().map_err(Broken::Unfit)?;
        script::load(&mut redis).await?;
        let run = info.told("run_id").ok_or(Broken::Garbled)?.to_owned();
        let evicts = info.told("maxmemory_policy") != Some("noeviction");
        if evicts && info.told("maxmemory").is_some_and(|most| most != "0") {
            tracing::warn!(
                "the server of the shared counters may evict them; set its `maxmemory-policy` to `noeviction`"
            );
        }
        let id = uuid::Uuid::now_v7().to_string();
        let mut session = Self { task, redis, id, seeded: false, sown: false, trusted: false, version: 0 };
        session.begin(&run).await?;
        session.run().await
    }

    /// Begins the session: what this replica holds is put in the place of what it was held to hold.
    async fn begin(&mut self, run: &str) -> Result<(), Broken> {
        let mut begin = script::BEGIN.key(script::PREFIX);
        begin.arg(&self.task.me).arg(&self.id).arg(run);
        let local = now();
        let answer = self.invoke(&begin, PATIENCE).await?;
        let [time, seeded] = reply::list(&answer) else { return Err(Broken::Garbled) };
        let time = reply::integer(time).ok_or(Broken::Garbled)?;
        self.seeded = reply::integer(seeded) == Some(1);
        let mut own = self.task.ledger.join(local, time.saturating_sub(local), &mut self.task.inbox);
        // What the server holds of limits that nothing is held of here any more goes, too.
        let mut others = self.names().await?;
        own.iter().for_each(|own| _ = others.remove(&own.limit));
        own.extend(others.into_iter().map(|(limit, ())| Own { limit, part: 0, buckets: Vec::new() }));
        let me = self.task.me.clone();
        for some in own.chunks(LIMITS) {
            if !self.put(&me, Some(&self.id.clone()), some).await? {
                return Err(Broken::Forgotten);
            }
        }
        Ok(())
    }

    /// The names of all limits that the server holds anything of.
    async fn names(&mut self) -> Result<HashMap<Arc<str>, ()>, Broken> {
        let mut zrange = redis::cmd("ZRANGE");
        zrange.arg(format!("{}changed", script::PREFIX)).arg(0).arg(-1);
        let names: Vec<String> = zrange.query_async(&mut self.redis).await?;
        Ok(names.into_iter().map(|name| (name.into(), ())).collect())
    }

    async fn run(&mut self) -> Result<(), Broken> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ops = Vec::new();
        let stop = self.task.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.leave().await,
                _ = ticks.tick() => self.tick().await?,
                count = self.task.inbox.recv_many(&mut ops, BATCH) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.call(std::mem::take(&mut ops)).await?;
                }
            }
            if self.task.ledger.standing() == Some(Standing::Apart) {
                return Err(Broken::Parted);
            }
        }
    }

    /// Tells and asks, in order. What is granted is written down before anything else happens.
    async fn call(&mut self, ops: Vec<Op>) -> Result<(), Broken> {
        let (mut asks, mut changes, mut forgotten, mut carried) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for op in ops {
            match op {
                Op::Change(change) => changes.push(change),
                // A caller that has gone waits for no word.
                Op::Ask(ask) if ask.reply.is_closed() => {}
                Op::Ask(ask) => asks.push(ask),
                Op::Carry(change) => carried.push(change),
                Op::Forget(limit) => forgotten.push(limit),
            }
        }
        self.carry(&carried).await?;
        let mut call = script::CALL.key(script::PREFIX);
        call.arg(&self.task.me).arg(&self.id).arg(millis(LEASE)).arg(changes.len());
        for change in &changes {
            call.arg(&*change.limit).arg(change.part);
            place(&mut call, change.bucket);
            amounts(&mut call, change.held);
        }
        call.arg(asks.len());
        for ask in &asks {
            call.arg(ask.wants.len());
            for want in &ask.wants {
                call.arg(&*want.limit).arg(want.part);
                place(&mut call, want.bucket);
                call.arg(want.need).arg(want.amount);
            }
        }
        let patience = if asks.is_empty() { PATIENCE } else { self.task.deadline };
        let answer = self.invoke(&call, patience).await?;
        let (time, live, words) = match reply::words(&answer, &self.task.me) {
            Some(answer) => answer,
            None if reply::list(&answer).is_empty() => return Err(Broken::Forgotten),
            None => return Err(Broken::Garbled),
        };
        if words.len() != asks.len() {
            return Err(Broken::Garbled);
        }
        self.task.ledger.heard(live, None);
        asks.into_iter().zip(words).for_each(|(ask, word)| self.hand_on(time, ask, word));
        self.forget(&forgotten).await
    }

    /// Says what was counted of limits before it came here.
    async fn carry(&mut self, all: &[Change]) -> Result<(), Broken> {
        for some in all.chunks(LIMITS) {
            let mut carry = script::CARRY.key(script::PREFIX);
            carry.arg(some.len());
            for change in some {
                carry.arg(&*change.limit).arg(change.part);
                place(&mut carry, change.bucket);
                carry.arg(change.held.used.clamp(0, MOST));
            }
            self.invoke(&carry, PATIENCE).await?;
        }
        Ok(())
    }

    /// Says what the database knows of that. Where it can't be asked, those know it who could ask.
    async fn carry_all(&mut self) -> Result<(), Broken> {
        let rows = match replicas::carried(&self.task.db, now()).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::debug!(%error, "what was counted before can't be read");
                return Ok(());
            }
        };
        let ledger = &self.task.ledger;
        let change = |row: Counted| {
            let (part, limit) = ledger.shape(&row.limit)?;
            Some(Change { limit, part, bucket: row.bucket, held: Held { used: row.amount, reserved: 0 } })
        };
        let all: Vec<Change> = rows.into_iter().filter_map(change).collect();
        self.carry(&all).await
    }

    /// Deletes what was counted of limits that are no more.
    async fn forget(&mut self, limits: &[Arc<str>]) -> Result<(), Broken> {
        if limits.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        for limit in limits {
            pipe.del(format!("{}limit:{limit}", script::PREFIX)).ignore();
            pipe.zrem(format!("{}changed", script::PREFIX), &**limit).ignore();
        }
        Ok(pipe.exec_async(&mut self.redis).await?)
    }

    /// Hands a word on. What its caller has gone from is given back, which is told in its turn.
    fn hand_on(&self, time: i64, ask: Ask, word: Word) {
        let ledger = &self.task.ledger;
        let word = match word {
            Word::Granted(granted) => Some(Ok(ledger.grant(&ask, &granted))),
            // Where the limit has gone meanwhile, nothing is answered and the caller looks again.
            Word::Refused(full) => ledger.refuse(time, &ask, &full).map(Err),
        };
        if let Some(word) = word {
            let _ = ask.reply.send(Offer::new(word));
        }
    }

    /// Says that this replica is there, and takes over what changed; gives up those that are not.
    async fn tick(&mut self) -> Result<(), Broken> {
        loop {
            // As long as not everything is in, what this replica knows of the others is better than what the server does.
            let news = self.hear(if self.trusted { LIMITS } else { 0 }).await?;
            self.take_over(&news);
            for dead in &news.dead {
                self.sweep(dead).await?;
            }
            // Calls that wait come first; the rest is taken over the next time.
            if news.limits.len() < LIMITS || !self.task.inbox.is_empty() {
                break;
            }
        }
        if !self.trusted {
            self.seek_trust().await?;
        }
        Ok(())
    }

    /// Says that this replica is there, and asks for at most so many of the limits that changed.
    async fn hear(&mut self, most: usize) -> Result<News, Broken> {
        let mut tick = script::TICK.key(script::PREFIX);
        tick.arg(&self.task.me).arg(&self.id).arg(millis(LEASE)).arg(self.version).arg(most);
        let local = now();
        let answer = self.invoke(&tick, PATIENCE).await?;
        let news = match reply::news(&answer, &self.task.me) {
            Some(news) => news,
            None if reply::list(&answer).is_empty() => return Err(Broken::Forgotten),
            None => return Err(Broken::Garbled),
        };
        self.task.ledger.heard(news.live, Some(news.now.saturating_sub(local)));
        Ok(news)
    }

    fn take_over(&mut self, news: &News) {
        let local = now();
        for (name, version, others) in &news.limits {
            self.task.ledger.mirror(local, name, others);
            self.version = self.version.max(*version);
        }
    }

    /// Takes over all that is counted, now that everything is in. Of what is not, nobody holds anything.
    async fn take_over_all(&mut self) -> Result<(), Broken> {
        let mut counted = HashSet::new();
        loop {
            let news = self.hear(LIMITS).await?;
            self.take_over(&news);
            let is_last = news.limits.len() < LIMITS;
            counted.extend(news.limits.into_iter().map(|(name, ..)| name));
            if is_last {
                break;
            }
        }
        self.task.ledger.mirror_nothing_but(now(), &counted);
        Ok(())
    }

    async fn sweep(&mut self, dead: &str) -> Result<(), Broken> {
        tracing::warn!(replica = dead, "a replica is not heard any more; what it had reserved counts as used");
        let mut since = "0".to_owned();
        loop {
            let mut sweep = script::SWEEP.key(script::PREFIX);
            sweep.arg(dead).arg(millis(LEASE)).arg(&since).arg(LIMITS);
            let answer = self.invoke(&sweep, PATIENCE).await?;
            match reply::text(&answer) {
                Some(next) if !next.is_empty() => next.clone_into(&mut since),
                _ => return Ok(()),
            }
        }
    }

    /// Asks whether the counters may be trusted, and seeds them before where nobody has.
    async fn seek_trust(&mut self) -> Result<(), Broken> {
        let mut needed = Vec::new();
        if !self.seeded {
            match self.seed().await? {
                Ok(others) => needed = others,
                Err(error) => {
                    tracing::debug!(%error, "the shared counters can't be seeded yet");
                    return Ok(());
                }
            }
        }
        self.carry_all().await?;
        let mut ready = script::READY.key(script::PREFIX);
        ready.arg(&self.task.me).arg(&self.id).arg(millis(LEASE)).arg(millis(FRESH)).arg(needed);
        if reply::integer(&self.invoke(&ready, PATIENCE).await?) == Some(1) {
            self.take_over_all().await?;
            if self.task.ledger.trust() {
                self.trusted = true;
                tracing::info!("limits are shared with the other replicas");
            }
        }
        Ok(())
    }

    /// Puts into the server what SQL knows of replicas that were not heard in this epoch. Says which of them live, and
    /// must be heard.
    async fn seed(&mut self) -> Result<llm_core::Result<Vec<String>>, Broken> {
        let read = async {
            let live = presence::others(&self.task.db, &self.task.me).await?;
            if self.sown {
                return Ok((live, Vec::new()));
            }
            Ok::<_, llm_core::Error>((live, replicas::counters(&self.task.db, &self.task.me, now()).await?))
        };
        let (live, rows) = match read.await {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        let mut owners: HashMap<String, HashMap<_, Own>> = HashMap::new();
        for row in rows {
            // A limit that is gone, or that this replica does not know yet: then another does, and seeds it.
            let Some((part, limit)) = self.task.ledger.shape(&row.limit) else { continue };
            let own = owners.entry(row.journal).or_default().entry(row.limit);
            let own = own.or_insert_with(|| Own { limit, part, buckets: Vec::new() });
            own.buckets.push((row.bucket, Held { used: row.amount, reserved: 0 }));
        }
        for (owner, limits) in owners {
            let limits: Vec<Own> = limits.into_values().collect();
            for some in limits.chunks(LIMITS) {
                self.put(&owner, None, some).await?;
            }
            if !live.contains(&owner) {
                let mut gone = script::GONE.key(script::PREFIX);
                self.invoke(gone.arg(&owner), PATIENCE).await?;
            }
        }
        self.sown = true;
        Ok(Ok(live))
    }

    /// Says what `owner` holds: this replica, in this session; or one that was not heard. Whether that was taken.
    async fn put(&mut self, owner: &str, session: Option<&str>, limits: &[Own]) -> Result<bool, Broken> {
        let mut put = script::PUT.key(script::PREFIX);
        put.arg(owner).arg(session.unwrap_or_default()).arg(limits.len());
        for own in limits {
            put.arg(&*own.limit).arg(own.part).arg(own.buckets.len());
            for &(bucket, held) in &own.buckets {
                place(&mut put, bucket);
                amounts(&mut put, held);
            }
        }
        Ok(reply::integer(&self.invoke(&put, PATIENCE).await?) == Some(1))
    }

    /// Tells what is left to be told, and that nothing more will be.
    async fn leave(&mut self) -> Result<(), Broken> {
        let mut ops = Vec::new();
        while let Ok(op) = self.task.inbox.try_recv() {
            ops.push(op);
        }
        self.call(ops).await?;
        let mut leave = script::LEAVE.key(script::PREFIX);
        leave.arg(&self.task.me).arg(&self.id).arg(millis(LEASE));
        self.invoke(&leave, PATIENCE).await?;
        if let Err(error) = replicas::leave(&self.task.db, &self.task.me).await {
            tracing::debug!(%error, "the database can't be told that this replica has left");
        }
        Ok(())
    }

    async fn invoke(&mut self, script: &ScriptInvocation<'_>, patience: Duration) -> Result<Value, Broken> {
        match timeout(patience, script.invoke_async(&mut self.redis)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Broken::Late(patience)),
        }
    }
}

fn place(script: &mut ScriptInvocation<'_>, bucket: Bucket) {
    script.arg(bucket.start).arg(if bucket.until == i64::MAX { 0 } else { bucket.until });
}

/// The largest amount that is said at once (nine million US dollars), so that no sum runs over.
const MOST: i64 = 1 << 53;

fn amounts(script: &mut ScriptInvocation<'_>, held: Held) {
    script.arg(held.used.clamp(-MOST, MOST)).arg(held.reserved.clamp(-MOST, MOST));
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

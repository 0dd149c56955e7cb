//! The comparisons, with the goals that they are held against.

use super::{
    Against, Comparison, Entry,
    Figure::{
        BytesEach, BytesPerSecond, CallsPerSecond, Connections, Cpu, IdleWakeups, P50, P99,
        PageFaults, Reached, Ready, Resident,
    },
    Who::{Exclusive, Java, Library, Peer, PeerTuned, Raw, Serve, Shared, Timed, Tonic},
};
use crate::job::Work;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// For long ways: what a writer or reader is given when answers take 10 ms and it shall not wait for them.
const LARGE_WINDOW: usize = 128 * MIB;
/// The sizes of the chart, bytes.
pub const CHART_SIZES: [usize; 8] = [
    100,
    KIB,
    4 * KIB,
    16 * KIB,
    64 * KIB,
    256 * KIB,
    MIB,
    8 * MIB,
];
/// For how long the reader waits before it is woken, milliseconds; the bare socket rests as long.
const IDLE_MS: [u64; 3] = [2, 20, 200];
/// Open writers, and as many readers.
const CROWDS: [usize; 6] = [1, 10, 100, 1_000, 10_000, 50_000];

/// All of them.
#[must_use]
pub fn comparisons() -> Vec<Comparison> {
    vec![
        append_1m(),
        write_1m(),
        write_peers("write-64k", "Writes of 64 KiB", 64 * KIB, 7.0),
        write_peers("write-8m", "Writes of 8 MiB", 8 * MIB, 5.0),
        write_100(),
        write_delayed(
            "write-100-1ms",
            "Writes of 100 B, acknowledged after 1 ms",
            1,
            [80.0, 80.0],
            [120.0, 100.0],
        ),
        write_delayed(
            "write-100-10ms",
            "Writes of 100 B, acknowledged after 10 ms",
            10,
            [500.0, 150.0],
            [800.0, 170.0],
        ),
        kept(),
        read_1m(),
        read_100(),
        read_delayed("read-1ms", "Sequential reads, replies after 1 ms", 1, 10.0),
        read_delayed(
            "read-10ms",
            "Sequential reads, replies after 10 ms",
            10,
            28.0,
        ),
        flush_100(),
        flush_1m(),
        wake(),
        crowd(),
        durable(),
        start(),
    ]
}

/// Those on a Pravega that the caller names. It is the limit there: ours is to get at least what others get.
#[must_use]
pub fn on_given() -> Vec<Comparison> {
    let of = |id, title, work, size, figures| {
        let mut c = Comparison::new(id, title, figures);
        let entry = |who| Entry::new(who, work, size).on(Against::Given);
        let [shared, exclusive, peer, java] =
            [Shared, Exclusive, Peer, Java].map(|who| c.add(entry(who)));
        for than in [peer, java] {
            c.asks(shared, than, 1.0, None);
            c.asks(exclusive, than, 1.0, None);
        }
        c
    };
    vec![
        of(
            "real-write-1m",
            "Writes of 1 MiB to a real Pravega",
            Work::Write,
            MIB,
            &[BytesPerSecond],
        ),
        of(
            "real-write-100",
            "Writes of 100 B to a real Pravega",
            Work::Write,
            100,
            &[CallsPerSecond, BytesPerSecond],
        ),
        of(
            "real-read",
            "Sequential reads from a real Pravega, 1 MiB at a time",
            Work::Reread,
            MIB,
            &[BytesPerSecond],
        ),
    ]
}

/// Throughput over the size of a write.
#[must_use]
pub fn chart() -> Comparison {
    let mut c = Comparison::new(
        "chart",
        "Throughput over the size of a write",
        &[BytesPerSecond],
    );
    for size in CHART_SIZES {
        for who in [Raw, Shared, Exclusive, Peer, PeerTuned, Tonic] {
            // Nobody sends small messages one by one who cares for throughput.
            if who != Tonic || size >= 4 * KIB {
                c.add(Entry::new(who, Work::Write, size));
            }
        }
    }
    c
}

fn append_1m() -> Comparison {
    let mut c = Comparison::new(
        "append-1m",
        "Appends of 1 MiB without a copy",
        &[BytesPerSecond, Cpu, PageFaults],
    );
    let of = |who| Entry::new(who, Work::Append, MIB);
    let [raw, shared, exclusive, peer, tuned, tonic] =
        [Raw, Shared, Exclusive, Peer, PeerTuned, Tonic].map(|who| c.add(of(who)));
    c.asks(shared, raw, 0.90, 0.97);
    c.asks(shared, peer, 10.0, None);
    c.asks(shared, tuned, 2.5, None);
    c.asks(shared, tonic, 1.25, None);
    c.asks(exclusive, raw, 0.75, 0.85);
    c.asks_of(PageFaults, shared, None, 1_000.0, None);
    c
}

fn write_1m() -> Comparison {
    let mut c = Comparison::new(
        "write-1m",
        "Writes of 1 MiB from a slice",
        &[BytesPerSecond, Cpu, PageFaults],
    );
    let of = |who| Entry::new(who, Work::Write, MIB);
    let [raw, shared, exclusive, peer, tuned] =
        [Raw, Shared, Exclusive, Peer, PeerTuned].map(|who| c.add(of(who)));
    for ours in [shared, exclusive] {
        c.asks(ours, raw, 0.60, 0.72);
        c.asks(ours, peer, 7.0, None);
        c.asks(ours, tuned, 1.7, None);
        c.asks_of(PageFaults, ours, None, 1_000.0, None);
    }
    c
}

fn write_peers(id: &'static str, title: &'static str, size: usize, factor: f64) -> Comparison {
    let mut c = Comparison::new(id, title, &[BytesPerSecond, Cpu, PageFaults]);
    let [_raw, shared, exclusive, peer, tuned] = [Raw, Shared, Exclusive, Peer, PeerTuned]
        .map(|who| c.add(Entry::new(who, Work::Write, size)));
    for ours in [shared, exclusive] {
        c.asks(ours, peer, factor, None);
        c.asks(ours, tuned, 1.7, None);
    }
    c
}

fn write_100() -> Comparison {
    let mut c = Comparison::new(
        "write-100",
        "Writes of 100 B",
        &[CallsPerSecond, BytesPerSecond, Cpu, PageFaults],
    );
    let [raw, shared, exclusive, peer] =
        [Raw, Shared, Exclusive, Peer].map(|who| c.add(Entry::new(who, Work::Write, 100)));
    for ours in [shared, exclusive] {
        c.asks(ours, raw, 0.45, 0.70);
        c.asks(ours, peer, 25.0, 40.0);
    }
    c
}

fn write_delayed(
    id: &'static str,
    title: &'static str,
    delay: u64,
    gates: [f64; 2],
    stretch: [f64; 2],
) -> Comparison {
    let mut c = Comparison::new(id, title, &[CallsPerSecond, BytesPerSecond, Cpu]);
    let of = |who| Entry::new(who, Work::Write, 100).on(Against::Null(delay));
    let [shared, exclusive, peer] = [Shared, Exclusive, Peer].map(|who| c.add(of(who)));
    let wide = c.add(of(Shared).window(LARGE_WINDOW));
    let ([gate, _], [aim, _]) = (gates, stretch);
    c.asks(wide, peer, gate, aim);
    for ((ours, gate), stretch) in [shared, exclusive].into_iter().zip(gates).zip(stretch) {
        c.asks(ours, peer, gate, stretch);
    }
    c
}

fn kept() -> Comparison {
    let mut c = Comparison::new(
        "kept",
        "Throughput kept when acknowledgements come late, shared mode",
        &[BytesPerSecond],
    );
    for (work, size) in [(Work::Append, MIB), (Work::Write, 100)] {
        for window in [None, Some(LARGE_WINDOW)] {
            let of = |delay| Entry {
                window,
                ..Entry::new(Shared, work, size).on(Against::Null(delay))
            };
            let [none, one, ten] = [0, 1, 10].map(|delay| c.add(of(delay)));
            c.asks(one, none, 0.70, 0.85);
            c.asks(ten, none, 0.60, 0.75);
        }
    }
    c
}

fn read_1m() -> Comparison {
    let mut c = Comparison::new(
        "read-1m",
        "Sequential reads, replies of 1 MiB",
        &[BytesPerSecond, Cpu, PageFaults],
    );
    let raw = c.add(Entry::new(Raw, Work::Read, MIB));
    let chunks = c.add(Entry::new(Shared, Work::ReadChunk, MIB));
    let ours = c.add(Entry::new(Shared, Work::Read, MIB));
    let peer = c.add(Entry::new(Peer, Work::Read, MIB));
    c.asks(chunks, raw, 0.75, 0.85);
    c.asks(ours, raw, 0.75, 0.85);
    c.asks(ours, peer, 2.0, 2.4);
    c
}

fn read_100() -> Comparison {
    let mut c = Comparison::new(
        "read-100",
        "Reads of 100 B",
        &[CallsPerSecond, BytesPerSecond, Cpu],
    );
    let ours = c.add(Entry::new(Shared, Work::Read, 100));
    c.add(Entry::new(Shared, Work::ReadChunk, 100));
    let peer = c.add(Entry::new(Peer, Work::Read, 100));
    c.asks(ours, peer, 3.0, None);
    c
}

fn read_delayed(id: &'static str, title: &'static str, delay: u64, gate: f64) -> Comparison {
    let mut c = Comparison::new(id, title, &[BytesPerSecond]);
    let of = |who| Entry::new(who, Work::Read, MIB).on(Against::Null(delay));
    let [ours, peer] = [Shared, Peer].map(|who| c.add(of(who)));
    let wide = c.add(of(Shared).window(LARGE_WINDOW));
    c.asks(ours, peer, gate, None);
    c.asks(wide, peer, gate, None);
    c
}

fn flush_100() -> Comparison {
    let mut c = Comparison::new("flush-100", "Write and flush of 100 B", &[P50, P99]).pinned();
    let [raw, _timed, shared, exclusive, _peer] =
        [Raw, Timed, Shared, Exclusive, Peer].map(|who| c.add(Entry::new(who, Work::Flush, 100)));
    for ours in [shared, exclusive] {
        c.asks_of(P50, ours, Some(raw), 1.08, 1.04);
        c.asks_of(P99, ours, Some(raw), 1.12, 1.06);
    }
    c
}

fn flush_1m() -> Comparison {
    let mut c = Comparison::new("flush-1m", "Write and flush of 1 MiB", &[P50, P99]);
    let raw = c.add(Entry::new(Raw, Work::FlushBytes, MIB));
    for who in [Shared, Exclusive] {
        let copied = c.add(Entry::new(who, Work::Flush, MIB));
        let shared = c.add(Entry::new(who, Work::FlushBytes, MIB));
        c.asks(copied, raw, 1.40, None);
        c.asks(shared, raw, 1.10, None);
    }
    c.add(Entry::new(Peer, Work::Flush, MIB));
    c
}

fn wake() -> Comparison {
    let mut c = Comparison::new(
        "wake",
        "From an append to its reader, which waits at the tail",
        &[P50, P99],
    )
    .pinned();
    for idle in IDLE_MS {
        let raw = c.add(Entry::new(Raw, Work::Wake, 100).idle(idle));
        let ours = c.add(Entry::new(Exclusive, Work::Wake, 100).idle(idle));
        c.asks(ours, raw, 1.15, None);
    }
    c
}

fn crowd() -> Comparison {
    let mut c = Comparison::new(
        "crowd",
        "Open writers and tail readers in one process, on the embedded server",
        &[CallsPerSecond, BytesEach, Connections, IdleWakeups, Reached],
    );
    let places = CROWDS.map(|size| {
        let entry = Entry::new(Exclusive, Work::Crowd, size).on(Against::Memory);
        c.add(entry)
    });
    let [.., ten_thousand, most] = places;
    for (crowd, all) in [(ten_thousand, 10_000.0), (most, 50_000.0)] {
        c.asks_of(BytesEach, crowd, None, 8.0 * 1024.0, None);
        c.asks_of(Connections, crowd, None, 65.0, None);
        c.asks_of(IdleWakeups, crowd, None, 5.0, 0.0);
        c.asks_of(Reached, crowd, None, all, None);
    }
    c
}

fn durable() -> Comparison {
    let mut c = Comparison::new(
        "durable",
        "4 KiB, durable on the embedded server in a directory",
        &[P50, P99],
    );
    let of = |who| Entry::new(who, Work::Flush, 4 * KIB).on(Against::Directory);
    let [raw, _library, exclusive] = [Raw, Library, Exclusive].map(|who| c.add(of(who)));
    c.asks(exclusive, raw, 1.5, 1.25);
    c
}

fn start() -> Comparison {
    let mut c = Comparison::new("start", "Start of the embedded server", &[Ready, Resident]);
    let serve = c.add(Entry::new(Serve, Work::Serve, 0).on(Against::Directory));
    c.asks_of(Ready, serve, None, 50e6, None);
    c.asks_of(
        Resident,
        serve,
        None,
        f64::from(20 << 20),
        f64::from(10 << 20),
    );
    c
}

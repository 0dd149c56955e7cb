//! Numbers and measurements: `serve --metrics`, `stat --watch`, `bench`.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
};

use serde_json::Value;

use crate::process::{Running, Server, any_port, in_dir, program, run, succeed};

/// The metrics that docs/observability.md lists for the server, with their kinds.
fn documented() -> BTreeMap<String, String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/observability.md");
    let docs = fs::read_to_string(docs).unwrap();
    let rows = docs
        .lines()
        .filter(|line| line.starts_with("| `pravega_server_"));
    rows.map(|row| {
        let cells: Vec<_> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        (cells[1].to_owned(), cells[2].to_owned())
    })
    .collect()
}

/// One page: kinds and values by name.
#[derive(Debug, Default)]
struct Page {
    kinds: BTreeMap<String, String>,
    values: BTreeMap<String, f64>,
}

impl Page {
    fn scrape(address: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(address).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        socket.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(
            head.to_lowercase()
                .contains("content-type: text/plain; version=0.0.4"),
            "{head}"
        );
        Self::parse(body)
    }

    /// Prometheus' text format, as far as it has no labels. Anything else is a failure.
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let words: Vec<_> = line.split(' ').collect();
            match words.as_slice() {
                ["#", "HELP", _, ..] => {}
                ["#", "TYPE", name, kind] => {
                    page.kinds.insert((*name).to_owned(), (*kind).to_owned());
                }
                [name, value] => {
                    page.values
                        .insert((*name).to_owned(), value.parse().unwrap());
                }
                _ => panic!("{line:?}"),
            }
        }
        page
    }

    fn value(&self, name: &str) -> f64 {
        self.values[&format!("pravega_server_{name}")]
    }
}

#[test]
fn a_scrape_of_the_server_counts_what_was_done() {
    let mut command = program();
    command.args(["serve", "--memory", "--metrics", "127.0.0.1:0"]);
    let mut server = Server::start(&mut command, any_port(), any_port());
    let line = server.line();
    let address = line
        .strip_prefix("metrics http://")
        .and_then(|rest| rest.strip_suffix("/metrics"));
    let address = address
        .unwrap_or_else(|| panic!("{line:?}"))
        .parse()
        .unwrap();

    let before = Page::scrape(address);
    assert_eq!(before.kinds, documented());
    assert_eq!(before.values.len(), before.kinds.len());
    assert!(
        before.values.values().all(|&value| value == 0.0),
        "{before:?}"
    );

    succeed(server.client().args(["write", "demo/counted"]), &[7; 5000]);
    succeed(server.client().args(["read", "demo/counted"]), b"");
    let after = Page::scrape(address);
    assert_eq!(after.value("segments"), 1.0);
    assert_eq!(after.value("appended_bytes_total"), 5000.0);
    assert_eq!(after.value("read_bytes_total"), 5000.0);
    assert_eq!(after.value("conflicts_total"), 0.0);
    assert_eq!(after.value("append_memory_bytes"), 0.0);
    for counted in [
        "appends_total",
        "reads_total",
        "connections_accepted_total",
        "controller_calls_total",
    ] {
        assert!(after.value(counted) >= 1.0, "{counted}: {after:?}");
    }
    assert!(server.process.terminate().success());
}

#[test]
fn a_port_that_is_taken_is_an_error_and_no_server_without_numbers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let listen = ["--listen", "127.0.0.1:0", "--store-listen", "127.0.0.1:0"];
    let mut command = program();
    command
        .args(["serve", "--memory", "--metrics", &taken])
        .args(listen);
    let output = run(&mut command, b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&taken));
}

#[test]
fn a_watch_follows_a_stream_until_it_is_sealed() {
    let server = Server::start(
        program().args(["serve", "--memory"]),
        any_port(),
        any_port(),
    );
    succeed(server.client().args(["create", "demo/watched"]), b"");
    let watch = [
        "stat",
        "--watch",
        "--json",
        "--interval",
        "10ms",
        "demo/watched",
    ];
    let mut watcher = Running::start(server.client().args(watch));
    let mut lines = watcher.lines();
    let mut next = || {
        lines
            .next()
            .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
    };
    let first = next().unwrap();
    assert_eq!(
        (&first["stream"], &first["tail"]),
        (&"demo/watched".into(), &0.into())
    );
    assert_eq!(first["bytes_per_second"], 0);

    succeed(
        server.client().args(["write", "demo/watched"]),
        b"0123456789",
    );
    let grown = std::iter::from_fn(&mut next)
        .find(|line| line["tail"] == 10)
        .unwrap();
    assert_eq!(grown["sealed"], false);
    succeed(server.client().args(["seal", "demo/watched"]), b"");
    let last = std::iter::from_fn(next).last().unwrap();
    assert_eq!(last["sealed"], true);
    assert!(watcher.wait().success());
}

#[test]
fn a_watch_in_a_pipe_prints_a_line_each_time() {
    let dir = tempfile::tempdir().unwrap();
    succeed(in_dir(dir.path()).args(["write", "demo/lines"]), b"12345");
    succeed(in_dir(dir.path()).args(["seal", "demo/lines"]), b"");
    let printed = succeed(in_dir(dir.path()).args(["stat", "-w", "demo/lines"]), b"");
    assert_eq!(
        String::from_utf8(printed).unwrap(),
        "head 0 tail 5 sealed true 0 B/s\n"
    );
}

#[cfg(unix)]
#[test]
fn a_watch_ends_in_order_on_ctrl_c() {
    let dir = tempfile::tempdir().unwrap();
    succeed(in_dir(dir.path()).args(["create", "demo/endless"]), b"");
    let mut watcher = Running::start(in_dir(dir.path()).args(["stat", "--watch", "demo/endless"]));
    let mut lines = watcher.lines();
    assert!(lines.next().unwrap().unwrap().contains("tail 0"));
    assert!(watcher.interrupt().success());
}

#[test]
fn an_interval_without_a_watch_or_of_no_length_is_a_usage_error() {
    for options in [
        &["--interval", "1s"][..],
        &["--watch", "--interval", "0s"],
        &["--watch", "--interval", "soon"],
    ] {
        let output = run(program().args(["stat", "demo/stream"]).args(options), b"");
        assert_eq!(output.status.code(), Some(2), "{options:?}");
    }
}

#[test]
fn a_bench_measures_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let bench = [
        "bench", "--json", "--size", "1KiB", "--total", "100KiB", "--count", "20",
    ];
    let report = succeed(in_dir(dir.path()).args(bench), b"");
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["size"], 1024);
    assert_eq!(report["write"]["bytes"], 100 << 10);
    assert_eq!(report["read"]["bytes"], 100 << 10);
    assert!(report["write"]["bytes_per_second"].as_u64() > Some(0));
    let latency = &report["latency"];
    assert_eq!(latency["count"], 20);
    let quantiles = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us"];
    let quantiles = quantiles.map(|name| latency[name].as_f64().unwrap());
    assert!(quantiles[0] > 0.0 && quantiles.is_sorted(), "{quantiles:?}");
    assert_eq!(succeed(in_dir(dir.path()).args(["ls"]), b""), b"");
}

#[test]
fn a_bench_of_one_thing_prints_one_thing_and_keeps_a_scope_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    succeed(in_dir(dir.path()).args(["create", "mine/kept"]), b"");
    let bench = [
        "bench", "latency", "--count", "5", "--size", "100", "--scope", "mine",
    ];
    let printed = String::from_utf8(succeed(in_dir(dir.path()).args(bench), b"")).unwrap();
    assert!(
        printed.contains("p99.9") && printed.contains("latency  of 5 writes"),
        "{printed}"
    );
    assert!(
        !printed.contains("write    ") && !printed.contains("read     "),
        "{printed}"
    );
    assert_eq!(
        succeed(in_dir(dir.path()).args(["ls", "mine"]), b""),
        b"mine/kept\n"
    );
}

#[test]
fn a_bench_of_writes_that_no_writer_takes_is_a_usage_error() {
    for size in ["0", "8.1MiB", "much"] {
        let output = run(program().args(["bench", "--size", size]), b"");
        assert_eq!(output.status.code(), Some(2), "{size}");
    }
}

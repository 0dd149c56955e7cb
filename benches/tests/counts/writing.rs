//! What writing costs.

use bytes::Bytes;
use pravega_byte_stream::ByteWriter;

use crate::{
    scene::{MODES, Scene, wide},
    seam::addresses,
};

const MIB: usize = 1 << 20;
/// Written before anything is counted: buffers have their size then, and the writer is set up.
const WARM_UP: usize = 64 * MIB;
const VOLUME: usize = 256 * MIB;
/// Calls of the socket for each MiB, those to read acknowledgements among them; a hundredth of what one call for each
/// write of 100 B would be, and four times what was seen.
const CALLS_PER_MIB: u64 = 16;

#[test]
fn an_append_of_bytes_is_not_copied_on_its_way_to_the_socket() {
    let scene = Scene::new();
    for mode in MODES {
        let mut writer = scene.writer(mode);
        let piece = Bytes::from(vec![7; MIB]);
        let mut append = async |volume: usize| {
            for _ in 0..volume / MIB {
                writer.append(piece.clone()).await.unwrap();
            }
            writer.flush().await.unwrap();
        };
        scene.runtime.block_on(append(WARM_UP));
        scene.seam.take(&piece);
        let cost = scene.cost(async || append(VOLUME).await);
        let passed = scene.seam.take(&[]);
        assert_eq!(passed.bytes_of_caller, VOLUME, "{mode:?}");
        let calls = passed.reads + passed.writes;
        assert!(
            calls <= CALLS_PER_MIB * wide(VOLUME / MIB),
            "{mode:?}: {calls}"
        );
        assert!(
            cost.allocations.bytes_total < wide(4096 * (VOLUME / MIB)),
            "{mode:?}: {cost:?}"
        );
    }
}

#[test]
fn a_write_from_a_slice_is_copied_once() {
    let scene = Scene::new();
    for mode in MODES {
        let mut writer = scene.writer(mode);
        let piece = vec![7; MIB];
        let mut write = async |volume: usize| {
            for _ in 0..volume / MIB {
                writer.write_all(&piece).await.unwrap();
            }
            writer.flush().await.unwrap();
        };
        scene.runtime.block_on(write(WARM_UP));
        scene.seam.take(&piece);
        let cost = scene.cost(async || write(VOLUME).await);
        let passed = scene.seam.take(&[]);
        assert_eq!(
            passed.bytes_of_caller, 0,
            "{mode:?}: the caller may change its slice"
        );
        // A second copy would need a second buffer, and the memory of the first is used again.
        let allocated = cost.allocations.bytes_total;
        assert!(allocated <= wide(VOLUME / 10), "{mode:?}: {cost:?}");
        assert!(
            cost.page_faults_per_gib(VOLUME) <= 1_000,
            "{mode:?}: {cost:?}"
        );
    }
}

/// So many writes of 100 B, and a flush.
pub(crate) async fn write_small(writer: &mut ByteWriter, writes: u64) {
    for _ in 0..writes {
        writer.write_all(&[7; 100]).await.unwrap();
    }
    writer.flush().await.unwrap();
}

#[test]
fn a_small_write_allocates_almost_never() {
    let scene = Scene::new();
    for mode in MODES {
        let mut writer = scene.writer(mode);
        let mut write = async |writes| write_small(&mut writer, writes).await;
        scene.runtime.block_on(write(500_000));
        let writes = 1_000_000;
        scene.seam.take(&[]);
        let cost = scene.cost(async || write(writes).await);
        assert!(
            cost.allocations.count_total <= writes / 1_000,
            "{mode:?}: {cost:?}"
        );
    }
}

#[test]
fn small_writes_share_their_system_calls() {
    let scene = Scene::new();
    for mode in MODES {
        let mut writer = scene.writer(mode);
        let mut write = async |volume| write_small(&mut writer, wide(volume / 100)).await;
        scene.runtime.block_on(write(WARM_UP));
        scene.seam.take(&[]);
        scene.runtime.block_on(write(VOLUME));
        let passed = scene.seam.take(&[]);
        let calls = passed.reads + passed.writes;
        assert!(
            calls <= CALLS_PER_MIB * wide(VOLUME / MIB),
            "{mode:?}: {calls}"
        );
    }
}

#[test]
fn watching_memory_finds_copies() {
    let memory = vec![7; 100];
    let copy = memory.clone();
    assert!(addresses(&memory).contains(&memory[10..].as_ptr().addr()));
    assert!(!addresses(&memory).contains(&copy.as_ptr().addr()));
}

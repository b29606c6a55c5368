//! Archives: every format gives back what was written, and faults are named with their place.

use std::fs;
use std::path::{Path, PathBuf};

use audius_etl::chain::core_pb::Block;
use audius_etl::chain::{
    self, ArchiveWriter, BlockSource, Error, ErrorKind, Fetched, LastBlock, Origin, Place,
    RawBlock, SourceConfig,
};
use audius_etl::decode::{DecodeOptions, decode_block};
use prost::Message;

use crate::support::blocks::{CHAIN, block, block_hash, migrated, mixed_block, rollup, unknown};

const NAMES: [&str; 6] = ["a.jsonl", "a.jsonl.zst", "a.jsonl.gz", "a.pb", "a.pb.zst", "a.pb.gz"];

fn write(path: &Path, blocks: &[Block]) {
    let mut writer = ArchiveWriter::create(path).unwrap();
    for block in blocks {
        writer.write_message(block).unwrap();
    }
    assert_eq!(writer.finish().unwrap().blocks, blocks.len() as u64);
}

fn config(source: &Path) -> SourceConfig {
    SourceConfig { start: 1, ..SourceConfig::new([source.to_str().unwrap()]) }
}

/// Reads to the end or the first error.
async fn drain(mut source: Box<dyn BlockSource>) -> (Vec<RawBlock>, Option<Error>) {
    let mut blocks = Vec::new();
    loop {
        match source.next().await {
            Ok(Fetched::Blocks(batch)) => blocks.extend(batch),
            Ok(Fetched::AtHead { .. }) => panic!("an archive has no head"),
            Ok(Fetched::End) => return (blocks, None),
            Err(error) => return (blocks, Some(error)),
        }
    }
}

async fn read(config: SourceConfig) -> (Vec<RawBlock>, Option<Error>) {
    match chain::open(config).await {
        Ok(source) => drain(source).await,
        Err(error) => (Vec::new(), Some(error)),
    }
}

fn heights(blocks: &[RawBlock]) -> Vec<i64> {
    blocks.iter().map(|block| block.height).collect()
}

fn decoded(raw: RawBlock) -> String {
    let block = decode_block(raw, &DecodeOptions::default()).unwrap();
    format!("{:#?}", audius_etl::model::Block { size: 0, ..block })
}

fn place(error: &Error) -> (Place, bool) {
    match error {
        Error::Corrupt { origin: Origin::Archive { place, decompressed, .. }, .. } => {
            (*place, *decompressed)
        }
        other => panic!("not a corrupt archive: {other}"),
    }
}

fn sample() -> Vec<Block> {
    let mut blocks: Vec<_> = (5..=7).map(mixed_block).collect();
    blocks.push(block(8, vec![]));
    blocks.push(block(9, vec![rollup(8), unknown(1013), migrated("User", "Create", "")]));
    blocks
}

#[tokio::test]
async fn every_format_gives_the_same_decoded_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen: Option<Vec<String>> = None;
    for name in NAMES {
        let path = dir.path().join(name);
        write(&path, &sample());
        let source = chain::open(config(&path)).await.unwrap();
        assert_eq!(source.chain_id(), Some(CHAIN));
        assert!(!source.is_live());
        let (blocks, error) = drain(source).await;
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(heights(&blocks), [5, 6, 7, 8, 9], "{name}");
        let blocks: Vec<_> = blocks.into_iter().map(decoded).collect();
        match &seen {
            Some(seen) => assert_eq!(*seen, blocks, "{name}"),
            None => seen = Some(blocks),
        }
    }
}

#[tokio::test]
async fn an_archive_is_recognised_by_its_content_when_its_name_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        let path = dir.path().join(name);
        write(&path, &sample());
        let bare = dir.path().join(format!("bare-{}", name.replace('.', "-")));
        fs::rename(&path, &bare).unwrap();
        let (blocks, error) = read(config(&bare)).await;
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(blocks.len(), 5, "{name}");
    }
}

#[tokio::test]
async fn rewriting_an_archive_through_json_loses_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (first, json, second) =
        (dir.path().join("a.pb"), dir.path().join("b.jsonl"), dir.path().join("c.pb"));
    write(&first, &sample());
    for (from, to) in [(&first, &json), (&json, &second)] {
        let (blocks, _) = read(config(from)).await;
        let mut writer = ArchiveWriter::create(to).unwrap();
        for block in &blocks {
            writer.write_raw(block).unwrap();
        }
        writer.finish().unwrap();
    }
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
}

#[tokio::test]
async fn a_binary_archive_cut_anywhere_names_the_offset_of_the_cut_block() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = [block(1, vec![]), mixed_block(2), block(3, vec![rollup(2)])];
    let path = dir.path().join("a.pb");
    write(&path, &blocks);
    let whole = fs::read(&path).unwrap();
    let mut starts = vec![0];
    for block in &blocks {
        starts.push(starts[starts.len() - 1] + 4 + block.encoded_len());
    }
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let (blocks, error) = read(config(&path)).await;
        let complete = starts.iter().filter(|start| **start <= cut).count() - 1;
        assert_eq!(blocks.len(), complete, "cut at {cut}");
        match error {
            None => assert!(starts.contains(&cut), "cut at {cut} went unnoticed"),
            Some(error) => {
                assert_eq!(error.kind(), ErrorKind::Data);
                assert_eq!(place(&error), (Place::Byte(starts[complete] as u64), false));
                let text = error.to_string();
                assert!(text.contains(&format!("byte offset {}: truncated", starts[complete])));
            }
        }
    }
}

#[tokio::test]
async fn a_json_archive_cut_anywhere_names_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    write(&path, &[block(1, vec![]), mixed_block(2)]);
    let whole = fs::read(&path).unwrap();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let (blocks, error) = read(config(&path)).await;
        // A line is complete without its line feed.
        let complete = usize::from(cut + 1 >= second) + usize::from(cut + 1 >= whole.len());
        assert_eq!(blocks.len(), complete, "cut at {cut}");
        let clean = cut == 0 || cut + 1 == second || cut == second || cut + 1 >= whole.len();
        assert_eq!(error.is_none(), clean, "cut at {cut}: {error:?}");
        if let Some(error) = error {
            let (number, byte) = if cut < second { (1, 0) } else { (2, second as u64) };
            assert_eq!(place(&error), (Place::Line { number, byte }, false));
        }
    }
}

#[tokio::test]
async fn a_compressed_archive_cut_anywhere_is_an_error_after_whole_blocks() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.pb.zst", "a.jsonl.gz"] {
        let path = dir.path().join(name);
        write(&path, &sample());
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (blocks, error) = read(config(&path)).await;
            assert_eq!(heights(&blocks), (5..10).take(blocks.len()).collect::<Vec<_>>());
            let error = error.unwrap_or_else(|| panic!("{name} cut at {cut} went unnoticed"));
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        }
    }
}

#[tokio::test]
async fn a_flipped_byte_in_a_zstd_archive_is_reported_with_its_decompressed_offset() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pb.zst");
    let blocks: Vec<_> = (1..4000).map(mixed_block).collect();
    write(&path, &blocks);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 64] {
        *byte ^= 0x5a;
    }
    fs::write(&path, bytes).unwrap();
    let (read, error) = read(config(&path)).await;
    assert!(!read.is_empty(), "the blocks before the fault were lost");
    let error = error.unwrap();
    let offset: usize = blocks[..read.len()].iter().map(|block| 4 + block.encoded_len()).sum();
    assert_eq!(place(&error), (Place::Byte(offset as u64), true));
    assert!(error.to_string().contains("of the decompressed stream"), "{error}");
}

#[tokio::test]
async fn a_json_fault_is_reported_by_decode_with_transaction_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let good = r#"{"height":"1","hash":"AB","chainId":"c","transactions":[]}"#;
    let bad = r#"{"height":2,"hash":"AC","chain_id":"c","transactions":[{"hash":"X"},{"hash":"Y","transaction":{"manageEntity":{"userId":"x1"}}}]}"#;
    fs::write(&path, format!("{good}\n\n{bad}\n")).unwrap();
    let (blocks, error) = read(config(&path)).await;
    assert!(error.is_none(), "{error:?}");
    let error = decode_block(blocks[1].clone(), &DecodeOptions::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("a.jsonl, line 3 (byte offset 60): block 2, transaction 1, "), "{text}");
    assert!(text.contains("manageEntity"), "{text}");
}

#[tokio::test]
async fn a_folder_and_a_pattern_are_read_in_height_order() {
    let dir = tempfile::tempdir().unwrap();
    for (name, range) in [("c.pb", 1..4), ("a.jsonl.gz", 4..9), ("b.pb.zst", 9..11)] {
        write(&dir.path().join(name), &range.map(mixed_block).collect::<Vec<_>>());
    }
    fs::write(dir.path().join("README"), "not an archive").unwrap();
    fs::write(dir.path().join("empty.jsonl"), "").unwrap();
    let (blocks, error) = read(config(dir.path())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(heights(&blocks), (1..11).collect::<Vec<_>>());
    let (blocks, error) = read(config(&dir.path().join("[ab].*"))).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(heights(&blocks), (4..11).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_of_a_folder_that_cannot_be_opened_is_reported_where_its_blocks_are_missing() {
    let dir = tempfile::tempdir().unwrap();
    for (name, range) in [("a.pb", 1..4), ("b.pb.zst", 4..9), ("c.pb", 9..11)] {
        write(&dir.path().join(name), &range.map(mixed_block).collect::<Vec<_>>());
    }
    fs::write(dir.path().join("b.pb.zst"), b"\x28\xb5\x2f\xfdgarbage").unwrap();
    let (blocks, error) = read(config(dir.path())).await;
    assert_eq!(heights(&blocks), [1, 2, 3]);
    let text = error.unwrap().to_string();
    assert!(text.contains("b.pb.zst, byte offset 0 of the decompressed stream"), "{text}");
}

#[tokio::test]
async fn an_archive_inside_the_program_is_read_like_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl.zst");
    write(&path, &sample());
    let bytes = Vec::leak(fs::read(&path).unwrap());
    let archive = chain::Embedded { name: "demo.jsonl.zst", bytes };
    let wanted = SourceConfig { start: 7, ..SourceConfig::new(Vec::<String>::new()) };
    let source = chain::open_embedded(archive, wanted).await.unwrap();
    assert_eq!(source.chain_id(), Some(CHAIN));
    let (blocks, error) = drain(source).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(heights(&blocks), [7, 8, 9]);
    assert!(blocks[0].origin.to_string().starts_with("demo.jsonl.zst, line 3"));
}

#[tokio::test]
async fn a_named_pipe_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let (file, pipe) = (dir.path().join("a.pb.gz"), dir.path().join("pipe"));
    write(&file, &sample());
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let feed = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, fs::read(file).unwrap()).unwrap())
    };
    let (blocks, error) = read(config(&pipe)).await;
    feed.join().unwrap();
    assert!(error.is_none(), "{error:?}");
    assert_eq!(blocks.len(), 5);
}

#[tokio::test]
async fn only_the_wanted_range_is_returned() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pb");
    write(&path, &(1..=20).map(mixed_block).collect::<Vec<_>>());
    let wanted = SourceConfig { start: 7, end_inclusive: Some(12), ..config(&path) };
    let (blocks, error) = read(wanted).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(heights(&blocks), (7..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn gaps_repeats_and_backward_heights_are_errors_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pb");
    for (second, words) in [
        (12, "block 11 is missing"),
        (15, "blocks 11 to 14 are missing"),
        (10, "twice"),
        (3, "backwards"),
    ] {
        write(&path, &[block(10, vec![]), block(second, vec![])]);
        let (blocks, error) = read(config(&path)).await;
        assert_eq!(heights(&blocks), [10]);
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Data);
        let text = error.to_string();
        let offset = 4 + block(10, vec![]).encoded_len();
        assert!(text.contains(words) && text.contains(&format!("offset {offset}")), "{text}");
    }
}

#[tokio::test]
async fn what_was_indexed_before_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pb");
    write(&path, &(3..=6).map(mixed_block).collect::<Vec<_>>());
    let resume = |height, hash: String| SourceConfig {
        start: height + 1,
        last: Some(LastBlock { height, hash }),
        ..config(&path)
    };

    let (blocks, error) = read(resume(4, block_hash(4).to_uppercase())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(heights(&blocks), [5, 6]);

    let (blocks, error) = read(resume(4, "ff".to_owned())).await;
    assert!(blocks.is_empty());
    assert!(matches!(error, Some(Error::ChangedHash { height: 4, .. })), "{error:?}");

    let (blocks, error) = read(resume(1, "ff".to_owned())).await;
    assert!(blocks.is_empty());
    assert!(error.unwrap().to_string().contains("block 2 is missing"));

    let other = SourceConfig { chain_id: Some("other".to_owned()), ..config(&path) };
    let (_, error) = read(other).await;
    let text = error.unwrap().to_string();
    assert!(text.contains("`other`") && text.contains("--new-chain"), "{text}");
}

#[tokio::test]
async fn sources_that_lead_nowhere_are_usage_errors() {
    let dir = tempfile::tempdir().unwrap();
    let sources: [PathBuf; 3] =
        [dir.path().join("absent.pb"), dir.path().join("*.pb"), dir.path().to_owned()];
    for source in sources {
        let (_, error) = read(config(&source)).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.to_string().contains(source.to_str().unwrap()), "{error}");
    }
    let none = SourceConfig::new(Vec::<String>::new());
    assert_eq!(read(none).await.1.unwrap().kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_long_archive_arrives_in_batches() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pb.zst");
    write(&path, &(1..=3000).map(mixed_block).collect::<Vec<_>>());
    let mut source = chain::open(config(&path)).await.unwrap();
    let mut batches = Vec::new();
    while let Fetched::Blocks(batch) = source.next().await.unwrap() {
        batches.push(batch.len());
    }
    assert_eq!(batches.iter().sum::<usize>(), 3000);
    assert!(batches.len() > 3000 / 300, "{batches:?}");
    let read = source.bytes_read().unwrap();
    assert_eq!(Some(read.read), read.total);
    assert!(matches!(source.next().await, Ok(Fetched::End)));
}

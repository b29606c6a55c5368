//! How an archive is compressed and laid out, from its name and its first bytes.

/// The compression around an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Plain,
    /// zstd.
    Zstd,
    /// gzip.
    Gzip,
}

/// How blocks lie in the decompressed content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One JSON object per line.
    JsonLines,
    /// A u32 little-endian length before each encoded block.
    Frames,
}

/// Longest encoded block that is read: the chain's largest block is 100 MiB (dev net).
pub(super) const MAX_FRAME_BYTES: u32 = 128 << 20;

/// Longest line that is read: base64 and escapes make text larger than the encoded block.
pub(super) const MAX_LINE_BYTES: u64 = 512 << 20;

/// Bytes needed to tell layouts and compressions apart.
pub(super) const SNIFF_BYTES: usize = 4;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What the file name says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedFormat {
    /// Compression, when the name ends in one.
    pub(crate) compression: Option<Compression>,
    /// Layout, when the name (without the compression) ends in one.
    pub(crate) layout: Option<Layout>,
}

impl NamedFormat {
    /// Reads the extensions of `path`, whatever their case.
    pub(crate) fn of(path: &str) -> Self {
        let lower = path.to_ascii_lowercase();
        let (stem, compression) = if let Some(stem) = lower.strip_suffix(".zst") {
            (stem, Some(Compression::Zstd))
        } else if let Some(stem) = lower.strip_suffix(".gz") {
            (stem, Some(Compression::Gzip))
        } else {
            (lower.as_str(), None)
        };
        let layout = if stem.ends_with(".jsonl") || stem.ends_with(".ndjson") {
            Some(Layout::JsonLines)
        } else if stem.ends_with(".pb") {
            Some(Layout::Frames)
        } else {
            None
        };
        Self { compression, layout }
    }
}

/// The compression of a file that starts with `head`.
///
/// The content decides. The name decides only where the content can't: a file cut inside the first
/// bytes, or bytes that are neither text nor a compression's mark.
pub(super) fn compression_of(head: &[u8], named: Option<Compression>) -> Compression {
    if head.starts_with(&ZSTD_MAGIC) {
        Compression::Zstd
    } else if head.starts_with(&GZIP_MAGIC) {
        Compression::Gzip
    } else if looks_like_text(head) {
        Compression::Plain
    } else {
        named.unwrap_or(Compression::Plain)
    }
}

/// The layout of content that starts with `head`; the name wins where it says one.
pub(super) fn layout_of(head: &[u8], named: Option<Layout>) -> Layout {
    named.unwrap_or_else(|| if looks_like_text(head) { Layout::JsonLines } else { Layout::Frames })
}

/// Whether `head` starts a JSON text. A frame's length never does: its fourth byte would have to
/// be a character, which is a length above 128 MiB.
fn looks_like_text(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    text.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
        && text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::{Compression, Layout, NamedFormat, compression_of, layout_of};

    #[test]
    fn names_give_layout_and_compression() {
        for (name, compression, layout) in [
            ("a/b.jsonl", None, Some(Layout::JsonLines)),
            ("b.JSONL.zst", Some(Compression::Zstd), Some(Layout::JsonLines)),
            ("b.pb.gz", Some(Compression::Gzip), Some(Layout::Frames)),
            ("b.pb", None, Some(Layout::Frames)),
            ("b.zst", Some(Compression::Zstd), None),
            ("b.txt", None, None),
        ] {
            assert_eq!(NamedFormat::of(name), NamedFormat { compression, layout }, "{name}");
        }
    }

    #[test]
    fn content_decides_and_the_name_helps_where_content_cannot() {
        assert_eq!(compression_of(b"\x28\xb5\x2f\xfd", None), Compression::Zstd);
        assert_eq!(compression_of(b"\x1f\x8b\x08\x00", Some(Compression::Zstd)), Compression::Gzip);
        assert_eq!(compression_of(b"{\"he", Some(Compression::Zstd)), Compression::Plain);
        assert_eq!(compression_of(b"\x28\xb5", Some(Compression::Zstd)), Compression::Zstd);
        assert_eq!(layout_of(b"{\"he", None), Layout::JsonLines);
        assert_eq!(layout_of(b"\n {}", None), Layout::JsonLines);
        assert_eq!(layout_of(b"\x7b\x22\x00\x00", None), Layout::Frames);
        assert_eq!(layout_of(b"{\"he", Some(Layout::Frames)), Layout::Frames);
    }
}

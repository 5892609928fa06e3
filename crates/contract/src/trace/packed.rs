//! Traces compressed by zstd, as loadgen writes its records.

use std::io::{self, BufRead, BufReader, Cursor, Read};

/// How what zstd compressed begins (RFC 8878, section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What `input` holds, decompressed where its first bytes say that zstd compressed it, whatever its name.
///
/// # Errors
/// When the first bytes cannot be read. What is wrong further on comes up as it is read.
pub fn unpacked<'a>(mut input: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut head = Vec::with_capacity(ZSTD.len());
    input
        .by_ref()
        .take(ZSTD.len() as u64)
        .read_to_end(&mut head)?;
    let is_compressed = head == ZSTD;
    let whole = Cursor::new(head).chain(input);
    Ok(if is_compressed {
        Box::new(BufReader::new(zstd::Decoder::with_buffer(whole)?))
    } else {
        Box::new(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(input: impl BufRead) -> io::Result<String> {
        let mut text = String::new();
        unpacked(input)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_is_compressed_is_known_by_its_first_bytes() {
        let text = "time,input_tokens,output_tokens\n1,2,3\n2.5,4,5\n";
        let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(text_of(packed.as_slice()).unwrap(), text);
        // One frame after the other, as a journal has them, and byte by byte, as a pipe may bring them.
        let twice = packed.repeat(2);
        assert_eq!(
            text_of(BufReader::with_capacity(1, twice.as_slice())).unwrap(),
            text.repeat(2)
        );
        for plain in ["", "a", text] {
            assert_eq!(text_of(plain.as_bytes()).unwrap(), plain);
        }
        let cut = &packed[..packed.len() - 4];
        assert_eq!(
            text_of(cut).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}

use super::*;
use crate::trace::unpacked;

fn lines(count: u64) -> Vec<String> {
    (0..count)
        .map(|index| {
            format!(
                "{{\"stage\":0,\"index\":{index},\"outcome\":\"ok\",\"scheduled_ns\":{},\"input_tokens_asked\":3,\
                 \"output_tokens_asked\":{},\"request_bytes\":9,\"events\":0}}\n",
                index * 1_000_003,
                index % 97
            )
        })
        .collect()
}

/// As a journal writes them: a frame a batch.
fn packed(lines: &[String], batch: usize) -> Vec<u8> {
    lines
        .chunks(batch)
        .flat_map(|batch| zstd::bulk::compress(batch.concat().as_bytes(), 1).unwrap())
        .collect()
}

/// The indices that can be read, and where they end.
fn read(bytes: &[u8]) -> (Vec<u64>, Option<Cut>) {
    let mut reader = RecordReader::new(unpacked(bytes).unwrap());
    let mut indices = Vec::new();
    while let Some(record) = reader.read().unwrap() {
        indices.push(record.index);
    }
    (indices, reader.cut().cloned())
}

#[test]
fn a_file_cut_at_any_byte_keeps_the_frames_before() {
    let (count, batch) = (60, 7);
    let whole = packed(&lines(count), batch);
    assert_eq!(read(&whole), ((0..count).collect(), None));
    let mut least = 0;
    for end in 0..whole.len() {
        let (indices, cut) = read(&whole[..end]);
        assert_eq!(
            indices,
            (0..indices.len() as u64).collect::<Vec<_>>(),
            "{end}"
        );
        assert!(indices.len() >= least, "{end}: more bytes, fewer records");
        least = indices.len();
        match cut {
            // Between two frames nobody can see that there were more.
            None => assert_eq!(indices.len() % batch, 0, "{end}"),
            Some(cut) => assert_eq!(cut.lines, indices.len() as u64, "{end}"),
        }
    }
    assert!(least as u64 >= count - batch as u64);
}

#[test]
fn a_plain_file_cut_at_any_byte_keeps_its_whole_lines() {
    let text = lines(5).concat();
    for end in 0..=text.len() {
        let (indices, cut) = read(&text.as_bytes()[..end]);
        let whole = text[..end].matches('\n').count();
        // The last line may lack its end.
        let is_record = text[..end].ends_with('}');
        assert_eq!(indices.len(), whole + usize::from(is_record), "{end}");
        assert_eq!(
            cut.is_some(),
            !(is_record || text[..end].ends_with('\n') || end == 0)
        );
    }
}

#[test]
fn what_a_crash_left_behind_the_last_frame_ends_the_records() {
    let mut bytes = packed(&lines(4), 2);
    bytes.extend([0; 4096]);
    let (indices, cut) = read(&bytes);
    assert_eq!(indices, [0, 1, 2, 3]);
    assert!(cut.unwrap().reason.contains("cannot be decompressed"));
}

#[test]
fn a_whole_line_that_is_no_record_is_an_error() {
    for (line, why) in [
        ("{}\n", "it has no `stage`"),
        ("{\"stage\":0\n", "it is not JSON to its end"),
        ("[]\n", "it is not a mapping"),
        (
            "{\"stage\":\"x\"}\n",
            "`stage` is not what a record has there",
        ),
        (
            &format!("{}7\n", lines(1)[0].trim_end()),
            "something follows it",
        ),
    ] {
        let text = format!("{}{line}", lines(1)[0]);
        let mut reader = RecordReader::new(text.as_bytes());
        assert!(reader.read().unwrap().is_some());
        let error = reader.read().unwrap_err().to_string();
        assert_eq!(
            error,
            format!("line 2: this is no record of a request: {why}")
        );
    }
}

use super::*;

fn read(text: &str) -> Result<Vec<TracedRequest>, TraceError> {
    TraceReader::new(text.as_bytes()).collect()
}

fn request(at_ns: i64, input: u32, output: u32) -> TracedRequest {
    TracedRequest {
        at_ns,
        input,
        output,
        blocks: Vec::new(),
    }
}

#[test]
fn mooncakes_lines_are_read_with_their_blocks() {
    let text = "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47]}\n\
        {\"timestamp\": 30535.5, \"input_length\": 10, \"output_length\": 1, \"round\": 2}\n";
    let first = TracedRequest {
        blocks: vec![46, 47],
        ..request(27_482_000_000, 6955, 52)
    };
    assert_eq!(read(text).unwrap(), [first, request(30_535_500_000, 10, 1)]);
    let error = read("{\"timestamp\": 1, \"input_length\": 5}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: not a request of a Mooncake trace: missing field `output_length`"
    );
}

#[test]
fn both_dialects_of_azure_are_read_to_the_last_digit() {
    let of_2023 = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
         2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\n\n";
    let base = 1_700_158_546;
    assert_eq!(
        read(of_2023).unwrap(),
        [
            request(base * NANOS + 680_590_000, 374, 44),
            request((base + 4) * NANOS + 995_169_000, 396, 109)
        ]
    );
    let of_2024 = "\u{feff}\"TIMESTAMP\",\"ContextTokens\",\"GeneratedTokens\"\n\
         2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10T02:00:00.009931+02:00,2399,6\n";
    let base = 1_715_299_200;
    assert_eq!(
        read(of_2024).unwrap(),
        [
            request(base * NANOS + 9_930_000, 2162, 5),
            request(base * NANOS + 9_931_000, 2399, 6)
        ]
    );
}

#[test]
fn seconds_and_other_names_of_columns_are_read() {
    let text = "output_tokens,arrived_at,input_tokens\n5,0.1,7\n6,1e1,8\n6,12.0000000019,8";
    assert_eq!(
        read(text).unwrap(),
        [
            request(100_000_000, 7, 5),
            request(10 * NANOS, 8, 6),
            request(12 * NANOS + 1, 8, 6)
        ]
    );
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    let head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    for (text, line, reason) in [
        ("a,b,c\n", 1, "no column timestamp"),
        (
            &format!("{head}\nyesterday,1,2"),
            3,
            "`yesterday` is no time",
        ),
        (&format!("{head}2023-13-01 00:00:00,1,2"), 2, "is no time"),
        (&format!("{head}1,-1,2"), 2, "`-1` is no number of tokens"),
        (&format!("{head}1,1"), 2, "2 cells are too few"),
        ("{\"stage\": 0}", 1, "no record of a request: it has no `"),
        ("{\"stage\": \"x\"}", 1, "`stage` is not what a record has"),
        ("{\"stage\": ", 1, "it is not JSON to its end"),
        (
            &format!("{head}1,1,2\n2024-01-01 00:00:00,1,2"),
            3,
            "is a date without a zone, and the first time is a number of seconds",
        ),
    ] {
        let said = read(text).unwrap_err().to_string();
        let expected = format!("line {line}: ");
        assert!(
            said.starts_with(&expected) && said.contains(reason),
            "{said}"
        );
    }
}

#[test]
fn zones_are_counted_in() {
    let utc = nanoseconds("2024-01-01T00:00:00Z");
    assert!(utc.is_some_and(|(_, written)| written == Written::DateInZone));
    for same in [
        "2024-01-01 01:00:00+01:00",
        "2024-01-01T01:00:00.0+01",
        "2023-12-31 19:00:00-05:00",
        "2023-12-31 19:00:00 -0500",
    ] {
        assert_eq!(nanoseconds(same), utc, "{same}");
    }
    for wrong in [
        "2024-13-01 00:00:00",
        "2024-01-01 24:00:00",
        "2024-01-01 00:00:00+1",
        "2024-01-01 00:00:00Zulu",
        "2024-01-01",
        "NaN",
        "",
    ] {
        assert_eq!(nanoseconds(wrong), None, "{wrong}");
    }
}

#[test]
fn days_are_those_of_the_calendar() {
    for (date, days) in [
        ((1970, 1, 1), 0),
        ((1969, 12, 31), -1),
        ((2000, 2, 29), 11_016),
        ((2000, 3, 1), 11_017),
        ((2100, 3, 1), 47_541),
    ] {
        assert_eq!(days_since_1970(date.0, date.1, date.2), days);
    }
}

//! Instants as traces write them.

/// An instant, in seconds from an origin that depends on how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Instant {
    pub(super) seconds: f64,
    pub(super) written: Written,
}

/// How an instant is written. Two that are written differently have no distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A number of seconds.
    Seconds,
    /// A date, without saying where.
    Date,
    /// A date with a zone.
    DateInZone,
}

impl Written {
    /// In words.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "a number of seconds",
            Self::Date => "a date without a zone",
            Self::DateInZone => "a date with a zone",
        }
    }
}

impl Instant {
    /// A number of seconds, or `2023-11-16 18:15:46.6805900`, with or without a zone: `Z`, `+01:00`, `-0500`.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Ok(seconds) = text.parse::<f64>() {
            return seconds.is_finite().then_some(Self {
                seconds,
                written: Written::Seconds,
            });
        }
        let (date, time) = text.split_once([' ', 'T'])?;
        let mut date = date.splitn(3, '-').map(str::parse::<i64>);
        let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
        let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at(zone);
        let mut time = time.trim_end().splitn(3, ':');
        let hour: f64 = time.next()?.parse().ok()?;
        let minute: f64 = time.next()?.parse().ok()?;
        let second: f64 = time.next()?.parse().ok()?;
        let is_on_a_clock = (0.0..24.0).contains(&hour)
            && (0.0..60.0).contains(&minute)
            // A leap second.
            && (0.0..61.0).contains(&second);
        if !is_on_a_clock || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let offset = if zone.is_empty() {
            None
        } else {
            Some(offset(zone)?)
        };
        #[expect(clippy::cast_precision_loss, reason = "days of a calendar")]
        let days = days(year, month, day) as f64;
        let local = days * 86_400.0 + hour * 3600.0 + minute * 60.0 + second;
        Some(Self {
            seconds: local - offset.unwrap_or(0.0),
            written: offset.map_or(Written::Date, |_| Written::DateInZone),
        })
    }
}

/// The seconds by which a zone is ahead of UTC.
fn offset(zone: &str) -> Option<f64> {
    let sign = match zone.get(..1)? {
        "Z" | "z" => return (zone.len() == 1).then_some(0.0),
        "-" => -1.0,
        _ => 1.0,
    };
    let digits = zone.get(1..)?.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60)
        .then(|| sign * (f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0))
}

/// Days since 0000-03-01 in the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_counted_in() {
        let at = |text: &str| Instant::read(text).map(|instant| (instant.seconds, instant.written));
        let utc = at("2024-01-01T00:00:00Z");
        assert_eq!(utc.map(|(_, written)| written), Some(Written::DateInZone));
        for same in [
            "2024-01-01 01:00:00+01:00",
            "2024-01-01T01:00:00.0+01",
            "2023-12-31 19:00:00-05:00",
            "2023-12-31 19:00:00 -0500",
        ] {
            assert_eq!(at(same), utc, "{same}");
        }
        assert_eq!(
            at("2024-01-01 00:00:00").map(|(_, written)| written),
            Some(Written::Date)
        );
        for wrong in [
            "2024-13-01 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:00:00+1",
            "2024-01-01 00:00:00Zulu",
            "2024-01-01",
            "NaN",
            "",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}

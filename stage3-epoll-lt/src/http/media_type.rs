//! The media type for a file name (RFC 9110, section 8.3.1).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Extensions for which `mime_guess` has no type, or an obsolete one. Browsers
/// refuse a module script whose type they do not know.
const NEWER: [(&str, &str); 17] = [
    ("cjs", "text/javascript"),                // RFC 9239
    ("mjs", "text/javascript"),                // RFC 9239
    ("map", "application/json"),               // ECMA-426
    ("otf", "font/otf"),                       // RFC 8081
    ("woff", "font/woff"),                     // RFC 8081
    ("m4a", "audio/mp4"),                      // RFC 4337
    ("m4v", "video/mp4"),                      // RFC 4337
    ("m3u8", "application/vnd.apple.mpegurl"), // RFC 8216
    ("mts", "video/mp2t"),                     // RFC 3555
    ("ts", "video/mp2t"),                      // RFC 8216
    ("rpm", "application/x-rpm"),              // not registered
    ("toml", "application/toml"),              // IANA
    ("usdz", "model/vnd.usdz+zip"),            // IANA
    ("vcf", "text/vcard"),                     // RFC 6350
    ("yaml", "application/yaml"),              // RFC 9512
    ("yml", "application/yaml"),               // RFC 9512
    ("zst", "application/zstd"),               // RFC 8878
];

/// The media type for a file of this name, without a charset.
#[must_use]
pub fn of(name: &[u8]) -> &'static str {
    let extension = Path::new(OsStr::from_bytes(name)).extension();
    extension
        .and_then(OsStr::to_str)
        .and_then(|extension| {
            let newer = NEWER
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(extension));
            match newer {
                Some((_, media_type)) => Some(*media_type),
                None => mime_guess::from_ext(extension).first_raw(),
            }
        })
        .unwrap_or("application/octet-stream")
}

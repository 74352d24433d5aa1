/// Why a text was not read as XML. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Too long to be a domain.
    #[error("it is longer than {} MiB", limit_bytes / (1024 * 1024))]
    TooLong {
        /// The bound.
        limit_bytes: usize,
    },
    /// Not UTF-8.
    #[error("byte {offset} is not UTF-8: save the file as UTF-8")]
    NotUtf8 {
        /// Where the text stops being UTF-8.
        offset: usize,
    },
    /// Declares another encoding.
    #[error("it declares an encoding other than UTF-8: convert the file to UTF-8")]
    Encoding,
    /// A document type, or an entity that only one could define.
    #[error("line {line}: document types and entities of one's own are not accepted")]
    DocumentType {
        /// Where.
        line: usize,
    },
    /// A character that XML does not allow.
    #[error("line {line}: the character U+{character:04X} is not allowed in XML")]
    Character {
        /// Where.
        line: usize,
        /// Its code point.
        character: u32,
    },
    /// More of something than any real domain has.
    #[error("line {line}: more than {limit} {what}")]
    TooMuch {
        /// Where the bound was passed.
        line: usize,
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Not well-formed.
    #[error("line {line}: {reason}")]
    Malformed {
        /// Where.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

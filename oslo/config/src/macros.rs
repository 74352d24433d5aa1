//! The declaring macros.

/// Declares the options of one group as a struct.
///
/// ```
/// oslo_config::options! {
///     /// Shown above the section in the sample.
///     pub struct ApiOptions in "api" {
///         /// Address to listen on (help in the sample, and the field's documentation).
///         pub listen: String = "127.0.0.1";
///         /// Port.
///         pub port: u16 = 8776, min 1;
///         /// Given once or more; the values of all files add up.
///         pub extension: Vec<String>, multi;
///         /// One of a few.
///         pub interface: String = "internal", choices ["public", "internal", "admin"];
///         /// Not set by default.
///         pub ca_file: Option<std::path::PathBuf>, deprecated "cafile", deprecated "ssl.ca_file";
///         /// Must be set: no default, and not optional by its type.
///         pub password: String, secret;
///         /// The default depends on the machine, the sample does not.
///         pub host: String = std::env::var("HOSTNAME").unwrap_or_default(), sample "<hostname>";
///     }
/// }
/// ```
///
/// A field without default must be set, unless its type is an `Option` (then `None`), a `Vec` or a
/// map (then empty). A default may refer to other options (`"$state_path/lock"`).
///
/// The struct gets `Clone`, `PartialEq`, a `Debug` that hides what is `secret`, [`crate::Options`],
/// and the functions `group()`, `group_as(name)` and `defaults()`.
#[macro_export]
macro_rules! options {
    (
        $(#[doc = $group_help:literal])*
        $vis:vis struct $name:ident in $group:literal {
            $(
                $(#[doc = $help:literal])*
                $field_vis:vis $field:ident : $type:ty $(= $default:expr)?
                $(, $attribute:ident $($argument:expr)?)* ;
            )*
        }
    ) => {
        $(#[doc = $group_help])*
        #[doc = ""]
        #[doc = concat!("Options of the group `[", $group, "]`.")]
        #[derive(Clone, PartialEq)]
        $vis struct $name {
            $(
                $(#[doc = $help])*
                $field_vis $field: $type,
            )*
        }

        #[allow(dead_code, unreachable_pub)]
        impl $name {
            /// The group, to declare it when a configuration is loaded.
            #[must_use]
            pub fn group() -> $crate::Group {
                <Self as $crate::Options>::group_as($group)
            }

            /// The group's options in a section of another name.
            #[must_use]
            pub fn group_as(name: &str) -> $crate::Group {
                <Self as $crate::Options>::group_as(name)
            }

            /// The defaults alone.
            ///
            /// # Errors
            /// An option has none and must be set.
            pub fn defaults() -> ::std::result::Result<Self, $crate::ConfigError> {
                <Self as $crate::Options>::defaults()
            }
        }

        impl $crate::Options for $name {
            const GROUP: &'static str = $group;
            const HELP: &'static [&'static str] = &[$($group_help),*];

            fn specs() -> ::std::vec::Vec<$crate::OptionSpec> {
                ::std::vec![$({
                    #[allow(unused_mut)]
                    let mut spec = $crate::OptionSpec::new::<$type>(
                        stringify!($field),
                        &[$($help),*],
                    );
                    $($crate::__option_attribute!(spec, $attribute $($argument)?);)*
                    spec.with_default::<$type>($crate::__option_default!($type $(, $default)?))
                }),*]
            }

            fn read(
                reader: &$crate::Reader<'_>,
            ) -> ::std::result::Result<Self, $crate::ConfigError> {
                ::std::result::Result::Ok(Self {
                    $(
                        $field: reader.value::<$type>(
                            stringify!($field),
                            || $crate::__option_default!($type $(, $default)?),
                        )?,
                    )*
                })
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = formatter.debug_struct(stringify!($name));
                $(
                    if false $(|| $crate::__option_is_secret!($attribute))* {
                        shown.field(stringify!($field), &::std::format_args!("***"));
                    } else {
                        shown.field(stringify!($field), &self.$field);
                    }
                )*
                shown.finish()
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __option_attribute {
    ($spec:ident, secret) => {
        $spec.secret = true;
    };
    ($spec:ident, multi) => {
        $spec.rules.multi = true;
    };
    ($spec:ident, min $value:expr) => {
        #[allow(clippy::unnecessary_cast)]
        {
            $spec.rules.min = ::std::option::Option::Some(($value) as f64);
        }
    };
    ($spec:ident, max $value:expr) => {
        #[allow(clippy::unnecessary_cast)]
        {
            $spec.rules.max = ::std::option::Option::Some(($value) as f64);
        }
    };
    ($spec:ident, choices $value:expr) => {
        $spec.rules.choices = &$value;
    };
    ($spec:ident, deprecated $name:expr) => {
        $spec.deprecated.push($name);
    };
    ($spec:ident, sample $text:expr) => {
        $spec.sample = ::std::option::Option::Some(::std::string::String::from($text));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __option_default {
    ($type:ty) => {
        <$type as $crate::OptionValue>::absent()
    };
    ($type:ty, $default:expr) => {
        ::std::option::Option::Some(<$type as $crate::DefaultFrom<_>>::default_from($default))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __option_is_secret {
    (secret) => {
        true
    };
    ($other:ident) => {
        false
    };
}

/// Declares an enum that options can have, with the text of each variant.
///
/// ```
/// oslo_config::choices! {
///     /// How a log line looks.
///     #[derive(Copy, Eq)]
///     pub enum LogFormat {
///         /// For people.
///         Text = "text",
///         /// For machines.
///         Json = "json",
///     }
/// }
/// assert_eq!("json".parse(), Ok(LogFormat::Json));
/// assert_eq!(LogFormat::Text.to_string(), "text");
/// ```
///
/// The enum gets `Clone`, `Debug`, `PartialEq`, `Display`, `FromStr` and [`crate::OptionValue`].
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(match self {
                    $(Self::$variant => $text,)+
                })
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::string::String;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                match text {
                    $($text => ::std::result::Result::Ok(Self::$variant),)+
                    _ => ::std::result::Result::Err(
                        ::std::format!("is none of {}", [$($text),+].join(", ")),
                    ),
                }
            }
        }

        $crate::value_by_from_str!($name, "string value", [$($text),+]);
    };
}

/// Lets options have a type with `FromStr`, `Display` (that `FromStr` reads back), `Clone`,
/// `Debug` and `PartialEq`; the text is what the sample calls the type. `FromStr`'s error should
/// read like "is no …", and must not repeat the value.
#[macro_export]
macro_rules! value_by_from_str {
    ($type:ty, $name:literal) => {
        $crate::value_by_from_str!($type, $name, []);
    };
    ($type:ty, $name:literal, [$($choice:literal),*]) => {
        impl $crate::OptionValue for $type {
            fn type_name() -> &'static str {
                $name
            }

            fn parse(
                text: &str,
                _rules: &$crate::Rules,
            ) -> ::std::result::Result<Self, $crate::ValueError> {
                text.parse::<$type>()
                    .map_err(|error| $crate::ValueError::of(text, &error.to_string()))
            }

            fn format(&self) -> ::std::string::String {
                self.to_string()
            }

            fn choices() -> &'static [&'static str] {
                &[$($choice),*]
            }
        }
    };
}

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use super::fields::Fields;
use super::{ApiError, Microversion, SortDir, query};

/// A resource as it is shown.
pub(crate) trait View {
    /// Its fields, as the API calls them.
    const FIELDS: &'static [&'static str];
}

/// What a list can be sorted by.
pub(crate) trait SortKey: Copy + 'static {
    /// The words of the API; the first is taken where the client gives none.
    const WORDS: &'static [(&'static str, Self)];
    /// The direction where the client gives none.
    const DIRECTION: SortDir;
}

/// What a list is narrowed by; with it comes what else the list can be asked for.
pub(crate) trait Filters: DeserializeOwned + 'static {
    /// What is listed.
    type View: View;
    /// What it is sorted by.
    type Key: SortKey;
    /// What names the last row of a page.
    type Marker: FromStr;
    /// Whether the rows belong to projects, so that an administrator can ask for those of all.
    const BY_PROJECT: bool = true;
}

/// The query string of a list: filters, page, order, fields and whose rows.
#[derive(Debug)]
pub(crate) struct List<F: Filters> {
    pub(crate) filters: F,
    pub(crate) limit: Option<u32>,
    pub(crate) marker: Option<F::Marker>,
    /// At least one key.
    pub(crate) sort: Vec<(F::Key, SortDir)>,
    pub(crate) fields: Fields,
    pub(crate) all_projects: bool,
    pub(crate) project_id: Option<String>,
}

impl<F: Filters> FromRequest for List<F> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let version = request.extensions().get::<Microversion>().copied();
        ready(Self::parse(request.query_string(), version.unwrap_or(Microversion::MIN)))
    }
}

impl<F: Filters> List<F> {
    fn parse(text: &str, version: Microversion) -> Result<Self, ApiError> {
        let mut given = Given::default();
        let mut filters = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if !given.take(&name, &value, F::BY_PROJECT)? {
                filters.append_pair(&name, &value);
            }
        }
        if version < Microversion::V1_1
            && let Some(name) = given.newer()
        {
            return Err(ApiError::field(name, "unknown field before microversion 1.1"));
        }
        let fields: Vec<_> = given.fields.iter().map(String::as_str).collect();
        Ok(Self {
            limit: given.limit.as_deref().map(limit).transpose()?,
            marker: given.marker.as_deref().map(marker).transpose()?,
            sort: given.order()?,
            fields: Fields::parse(&fields, F::View::FIELDS)?,
            all_projects: given.all_projects.as_deref().map(boolean).transpose()?.unwrap_or(false),
            project_id: given.project_id.map(project).transpose()?,
            filters: query::parse(&filters.finish())?,
        })
    }
}

/// What a query string holds of what every list knows.
#[derive(Default)]
struct Given {
    limit: Option<String>,
    marker: Option<String>,
    sort: Option<String>,
    sort_key: Option<String>,
    sort_dir: Option<String>,
    fields: Vec<String>,
    all_projects: Option<String>,
    project_id: Option<String>,
}

impl Given {
    /// Whether the parameter is one of these. Only `fields` may come several times.
    fn take(&mut self, name: &str, value: &str, by_project: bool) -> Result<bool, ApiError> {
        let place = match name {
            "limit" => &mut self.limit,
            "marker" => &mut self.marker,
            "sort" => &mut self.sort,
            "sort_key" => &mut self.sort_key,
            "sort_dir" => &mut self.sort_dir,
            "all_projects" if by_project => &mut self.all_projects,
            "project_id" if by_project => &mut self.project_id,
            "fields" => {
                self.fields.push(value.to_owned());
                return Ok(true);
            }
            _ => return Ok(false),
        };
        match place.replace(value.to_owned()) {
            None => Ok(true),
            Some(_) => Err(ApiError::field(name, "may come only once")),
        }
    }

    /// A parameter that came with microversion 1.1.
    fn newer(&self) -> Option<&'static str> {
        let newer = [
            ("sort", self.sort.is_some()),
            ("fields", !self.fields.is_empty()),
            ("all_projects", self.all_projects.is_some()),
            ("project_id", self.project_id.is_some()),
        ];
        newer.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// The order asked for, in one of its two forms.
    fn order<K: SortKey>(&self) -> Result<Vec<(K, SortDir)>, ApiError> {
        let Some(sort) = &self.sort else {
            let named = self.sort_key.as_deref().map(|word| key("sort_key", word)).transpose()?;
            let named = named.or_else(|| K::WORDS.first().map(|(_, key)| *key));
            let way = self.sort_dir.as_deref().map(|word| direction("sort_dir", word));
            let way = way.transpose()?.unwrap_or(K::DIRECTION);
            return Ok(named.map(|key| (key, way)).into_iter().collect());
        };
        for (name, value) in [("sort_key", &self.sort_key), ("sort_dir", &self.sort_dir)] {
            if value.is_some() {
                return Err(ApiError::field(name, "cannot go with sort"));
            }
        }
        let mut order = Vec::new();
        let mut words = Vec::new();
        for part in sort.split(',').map(str::trim) {
            let (word, way) = match part.split_once(':') {
                Some((word, way)) => (word, direction("sort", way)?),
                None => (part, K::DIRECTION),
            };
            if words.contains(&word) {
                return Err(ApiError::field("sort", "names a key twice"));
            }
            words.push(word);
            order.push((key("sort", word)?, way));
        }
        Ok(order)
    }
}

fn key<K: SortKey>(field: &str, word: &str) -> Result<K, ApiError> {
    let found = K::WORDS.iter().find(|(known, _)| *known == word);
    found.map(|(_, key)| *key).ok_or_else(|| {
        let known: Vec<_> = K::WORDS.iter().map(|(word, _)| *word).collect();
        ApiError::field(field, format!("must be one of {}", known.join(", ")))
    })
}

fn direction(field: &str, word: &str) -> Result<SortDir, ApiError> {
    match word {
        "asc" => Ok(SortDir::Asc),
        "desc" => Ok(SortDir::Desc),
        _ => Err(ApiError::field(field, "the direction must be asc or desc")),
    }
}

fn limit(text: &str) -> Result<u32, ApiError> {
    let number =
        text.parse::<u32>().map_err(|error| ApiError::field("limit", error.to_string()))?;
    match number {
        0 => Err(ApiError::field("limit", "must be at least 1")),
        number => Ok(number),
    }
}

fn marker<M: FromStr>(text: &str) -> Result<M, ApiError> {
    text.parse().map_err(|_| ApiError::field("marker", "is no id"))
}

fn boolean(text: &str) -> Result<bool, ApiError> {
    text.parse().map_err(|_| ApiError::field("all_projects", "must be true or false"))
}

/// The most characters that the id of a project or a user has.
pub(crate) const PROJECT_MAX_CHARS: usize = 64;

/// Whether this can be the id of a project.
pub(crate) fn is_project_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=PROJECT_MAX_CHARS).contains(&text.len()) && text.bytes().all(plain)
}

fn project(text: String) -> Result<String, ApiError> {
    match is_project_id(&text) {
        true => Ok(text),
        false => Err(ApiError::field("project_id", "is no id of a project")),
    }
}

/// The query string of one resource: which of its fields to show.
#[derive(Debug)]
pub(crate) struct Show<V> {
    pub(crate) fields: Fields,
    view: std::marker::PhantomData<V>,
}

impl<V: View> FromRequest for Show<V> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let version = request.extensions().get::<Microversion>().copied();
        let parse = || {
            let mut fields = Vec::new();
            for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
                if name != "fields" || version < Some(Microversion::V1_1) {
                    let name: String = name.chars().take(64).collect();
                    return Err(ApiError::field(name.clone(), format!("unknown field `{name}`")));
                }
                fields.push(value);
            }
            let fields: Vec<_> = fields.iter().map(AsRef::as_ref).collect();
            let fields = Fields::parse(&fields, V::FIELDS)?;
            Ok(Self { fields, view: std::marker::PhantomData })
        };
        ready(parse())
    }
}

impl<V: View> IntoParams for Show<V> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![fields_parameter(V::FIELDS)]
    }
}

impl<F: Filters + IntoParams> IntoParams for List<F> {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let words: Vec<_> = F::Key::WORDS.iter().map(|(word, _)| *word).collect();
        let first = words.first().copied().unwrap_or_default();
        let way = match F::Key::DIRECTION {
            SortDir::Asc => "asc",
            SortDir::Desc => "desc",
        };
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1));
        let order = format!("^({0})(:(asc|desc))?(,({0})(:(asc|desc))?)*$", words.join("|"));
        let mut parameters = F::into_params(parameter_in);
        parameters.extend([
            parameter("limit", "At most that many.", number),
            parameter("marker", "The id of the last one of the page before.", text(1, 64)),
            parameter(
                "sort_key",
                &format!("What to sort by; `{first}` where left out."),
                one_of(&words),
            ),
            parameter(
                "sort_dir",
                &format!("Which way; `{way}` where left out."),
                one_of(&["asc", "desc"]),
            ),
            parameter(
                "sort",
                "From 1.1: `key:direction,…`, instead of `sort_key` and `sort_dir`.",
                ObjectBuilder::new().schema_type(Type::String).pattern(Some(order)),
            ),
            fields_parameter(F::View::FIELDS),
        ]);
        if F::BY_PROJECT {
            parameters.extend([
                parameter(
                    "all_projects",
                    "From 1.1: those of all projects, for administrators.",
                    ObjectBuilder::new().schema_type(Type::Boolean),
                ),
                parameter(
                    "project_id",
                    "From 1.1: those of this project; of another than one's own together with \
                     `all_projects`.",
                    text(1, PROJECT_MAX_CHARS).pattern(Some("^[A-Za-z0-9_.-]+$")),
                ),
            ]);
        }
        parameters
    }
}

fn parameter(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn fields_parameter(fields: &[&str]) -> Parameter {
    let items: RefOr<Schema> = one_of(fields).into();
    ParameterBuilder::new()
        .name("fields")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("From 1.1: only these fields, with commas between them."))
        .explode(Some(false))
        .schema(Some(ArrayBuilder::new().items(items).min_items(Some(1))))
        .build()
}

fn text(min_chars: usize, max_chars: usize) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(min_chars))
        .max_length(Some(max_chars))
}

fn one_of(words: &[&str]) -> ObjectBuilder {
    let words = words.iter().map(|word| (*word).to_owned());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Key {
        Age,
        Name,
    }

    impl SortKey for Key {
        const WORDS: &'static [(&'static str, Self)] = &[("age", Self::Age), ("name", Self::Name)];
        const DIRECTION: SortDir = SortDir::Desc;
    }

    struct Thing;

    impl View for Thing {
        const FIELDS: &'static [&'static str] = &["id", "name"];
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Narrow {
        name: Option<String>,
    }

    impl Filters for Narrow {
        type View = Thing;
        type Key = Key;
        type Marker = Uuid;
    }

    fn parse(query: &str) -> Result<List<Narrow>, String> {
        List::parse(query, Microversion::MAX).map_err(|error| error.to_string())
    }

    #[test]
    fn the_order_comes_in_two_forms() {
        use SortDir::{Asc, Desc};
        for (query, order) in [
            ("", vec![(Key::Age, Desc)]),
            ("sort_key=name", vec![(Key::Name, Desc)]),
            ("sort_dir=asc", vec![(Key::Age, Asc)]),
            ("sort=name", vec![(Key::Name, Desc)]),
            ("sort=name:asc,age:desc", vec![(Key::Name, Asc), (Key::Age, Desc)]),
        ] {
            assert_eq!(parse(query).unwrap().sort, order, "{query}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, named) in [
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("limit=1&limit=1", "limit"),
            ("marker=x", "marker"),
            ("sort=", "sort"),
            ("sort=age:up", "sort"),
            ("sort=age,age", "sort"),
            ("sort=age:asc:asc", "sort"),
            ("sort=size", "sort"),
            ("sort=age&sort_key=age", "sort_key"),
            ("sort=age&sort_dir=asc", "sort_dir"),
            ("sort_key=size", "sort_key"),
            ("sort_dir=up", "sort_dir"),
            ("all_projects=1", "all_projects"),
            ("all_projects=", "all_projects"),
            ("project_id=", "project_id"),
            ("project_id=a/b", "project_id"),
            ("project_id=a%00", "project_id"),
            ("fields=", "fields"),
            ("fields=secret", "fields"),
            ("name=a&name=b", "query: duplicate field `name`"),
            ("page=1", "page: unknown field"),
        ] {
            let error = parse(query).unwrap_err();
            assert!(error.starts_with(named), "{query}: {error}");
        }
        let old = |query| List::<Narrow>::parse(query, Microversion::V1_0);
        assert!(old("limit=2&sort_key=name&name=x").is_ok());
        for newer in ["sort=age", "fields=id", "all_projects=false", "project_id=a"] {
            assert!(old(newer).unwrap_err().to_string().contains("1.1"), "{newer}");
        }
    }

    #[test]
    fn filters_and_page_part_ways() {
        let list = parse("name=a%20b&limit=7&all_projects=true&project_id=p1&fields=id").unwrap();
        assert_eq!(list.filters.name.as_deref(), Some("a b"));
        assert_eq!((list.limit, list.all_projects), (Some(7), true));
        assert_eq!(list.project_id.as_deref(), Some("p1"));
    }
}

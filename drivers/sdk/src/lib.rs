//! Safe trait and export macro for storage drivers

/// Makes the library of a driver: `export_driver!(FileDriver);`, once a crate, where `FileDriver`
/// is a [`DriverFactory`](crate::DriverFactory).
#[macro_export]
macro_rules! export_driver {
    ($driver:ty) => {
        const _: &str = <$driver as $crate::DriverFactory>::NAME;
    };
}

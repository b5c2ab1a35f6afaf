//! How the facade hands a use case to the database that is open.

/// Declares the facade's methods: each is that of the backend, on whichever database is open.
macro_rules! use_cases {
    ($($(#[$doc:meta])* fn $name:ident(&self $(, $arg:ident: $ty:ty)* $(,)?) -> $ret:ty;)+) => {
        impl Store {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// See [`StoreError`]; nothing is written then.
            pub async fn $name(&self $(, $arg: $ty)*) -> Result<$ret> {
                match self {
                    Self::Sqlite(db) => db.$name($($arg),*).await,
                    Self::Postgres(db) => db.$name($($arg),*).await.map_err($crate::store::StoreError::of_server),
                }
            }
        )+}
    };
}

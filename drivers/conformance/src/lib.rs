//! One behavioural suite that every storage driver passes

#![doc = include_str!("../README.md")]

pub mod account;
mod binaries;
pub mod cache;
mod cluster;
mod database;
pub mod disk;
mod encrypted;
mod etcd;
mod folder;
mod node;
mod obtain;
mod packages;
mod pidfile;
pub mod private;
pub mod replicated;
pub mod server;
pub mod stand_in_users;
mod sweep;
pub mod throwaway;
mod watched;

pub use self::database::connect;

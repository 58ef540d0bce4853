//! How PostgreSQL carries out each statement, on many tasks of many users.
//!
//! A page has to be one range of one index, already in order, from its position on. A sort would read all tasks of a
//! user to answer with the first thousand; a filter after the fact would read all that are completed to find the few
//! that are pending, or all before a position to find those behind it; a sequential scan would read the tasks of all
//! users. Each of them is fast on a small table, so that no other test would notice.
//!
//! The statements are those that the program really sends: the pool's only connection has prepared them, and carries them
//! out once more with `EXPLAIN`, planned for all values at once as they always are in its session.

mod keys;
mod lists;
mod prepared;
mod session;
mod tasks;

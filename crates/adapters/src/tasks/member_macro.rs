//! The macro behind the declaration in `members.rs`.

/// Declares the members that a client writes, and with them all types that have one field for each.
macro_rules! members {
    ($( $name:ident: $read:ty => $sql_type:ty as $type_name:literal, $written:ty; )+) => {
        /// The columns of the members, in the order in which statements name them.
        pub(crate) const MEMBERS: &[Member] =
            &[$( Member { name: stringify!($name), sql_type: $type_name } ),+];

        /// The types of `sql/columns.sql`.
        pub(crate) type TaskColumns = (
            BigInt, $( $sql_type, )+ Timestamptz, Nullable<Timestamptz>, Nullable<BigInt>, Nullable<Timestamptz>,
        );

        /// The columns of `sql/columns.sql` as they are read. Rows never leave this crate.
        #[derive(Queryable)]
        pub(crate) struct TaskRow {
            pub(crate) id: i64,
            $( pub(crate) $name: $read, )+
            pub(crate) created_at: DateTime<Utc>,
            /// `None` if it is equal to `created_at`.
            pub(crate) updated_at: Option<DateTime<Utc>>,
            /// `None` if it is the first one.
            pub(crate) version: Option<i64>,
            pub(crate) completed_at: Option<DateTime<Utc>>,
        }

        /// The values of a new task.
        pub(crate) struct NewValues<'a> {
            $( $name: Option<$written>, )+
        }

        /// The values of several new tasks, column by column.
        #[derive(Default)]
        pub(crate) struct ManyNewValues<'a> {
            $( $name: Vec<Option<$written>>, )+
        }

        /// What becomes of the columns of a task.
        #[derive(Default)]
        pub(crate) struct UpdateParams<'a> {
            $( $name: Setting<$written>, )+
            completed: Setting<bool>,
        }

        /// What becomes of the columns of several tasks, column by column.
        #[derive(Default)]
        pub(crate) struct ManyUpdateParams<'a> {
            $( $name: Settings<$written>, )+
            completed: Settings<bool>,
        }

        impl<'a> FromIterator<NewValues<'a>> for ManyNewValues<'a> {
            fn from_iter<I: IntoIterator<Item = NewValues<'a>>>(rows: I) -> Self {
                let mut columns = Self::default();
                for row in rows {
                    $( columns.$name.push(row.$name); )+
                }
                columns
            }
        }

        impl<'a> FromIterator<UpdateParams<'a>> for ManyUpdateParams<'a> {
            fn from_iter<I: IntoIterator<Item = UpdateParams<'a>>>(rows: I) -> Self {
                let mut columns = Self::default();
                for row in rows {
                    $( columns.$name.add(row.$name); )+
                    columns.completed.add(row.completed);
                }
                columns
            }
        }

        /// The places of the columns among the parameters.
        #[expect(non_camel_case_types, reason = "named as the columns are")]
        enum Index { $( $name, )+ }

        impl Parameters for NewValues<'_> {
            const NAMES: &'static [&'static str] = &[$( stringify!($name) ),+];

            fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                $( if index == Index::$name as usize {
                    return out.push_bind_param::<OrNull<$sql_type>, _>(&self.$name);
                } )+
                Ok(())
            }
        }

        impl Parameters for ManyNewValues<'_> {
            const NAMES: &'static [&'static str] = NewValues::NAMES;

            fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                $( if index == Index::$name as usize {
                    return out.push_bind_param::<Array<OrNull<$sql_type>>, _>(&self.$name);
                } )+
                Ok(())
            }
        }

        impl Parameters for UpdateParams<'_> {
            const NAMES: &'static [&'static str] =
                &[$( stringify!($name), concat!("set_", stringify!($name)), )+ "completed", "set_completed"];

            fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                let part = Part::of(index);
                $( if index / 2 == Index::$name as usize {
                    return self.$name.push::<OrNull<$sql_type>>(part, out);
                } )+
                self.completed.push::<Nullable<Bool>>(part, out)
            }
        }

        impl Parameters for ManyUpdateParams<'_> {
            const NAMES: &'static [&'static str] = UpdateParams::NAMES;

            fn push<'b>(&'b self, index: usize, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                let part = Part::of(index);
                $( if index / 2 == Index::$name as usize {
                    return self.$name.push::<OrNull<$sql_type>>(part, out);
                } )+
                self.completed.push::<Nullable<Bool>>(part, out)
            }
        }
    };
}

pub(crate) use members;

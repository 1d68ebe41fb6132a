//! The store conformance suite: what every store must hold to, as named tests.
//!
//! A store's author writes one macro line and a function that makes a fresh store:
//!
//! ```ignore
//! async fn my_store() -> (Arc<dyn Store>, TempDir) { ... }
//!
//! mod my_store {
//!     fiscaflow_core::store_conformance! {
//!         block_on = crate::block_on,
//!         store = crate::my_store,
//!         operations = 20_000,
//!     }
//! }
//! ```
//!
//! The suite has no runtime of its own: `block_on` runs a future to its end on whatever the store
//! needs. `store` answers with a fresh store and a guard that is dropped after the test.
//! `operations` says how many random commands are compared with the naive twin of [`model`];
//! `lanes`, where it is given, on how many threads.
//!
//! Each topic is a file, each case a function that takes a store and panics where the store breaks
//! the contract. [`Scribe`] writes a book's commits by hand; other tests are welcome to it.

mod chance;
pub mod columns;
pub mod commits;
pub mod deliveries;
pub mod documents;
pub mod erasures;
mod fsck;
pub mod history;
pub mod kept;
pub mod lifecycle;
pub mod model;
pub mod origins;
pub mod pages;
pub(crate) mod samples;
mod scribe;
pub mod seals;
pub mod snapshots;
pub mod transactions;
pub mod tree;
mod twin;
pub mod values;
mod wait;

pub use fsck::fsck;
pub use scribe::Scribe;
pub use wait::together;

use crate::error::{ErrorCode, Result};

/// Fails unless the result is an error with this code.
#[track_caller]
fn assert_code<T: std::fmt::Debug>(result: Result<T>, code: ErrorCode) {
    match result {
        Ok(value) => panic!("`{code}` was expected, the store answered {value:?}"),
        Err(error) => assert_eq!(error.code(), code, "{error:?}"),
    }
}

/// Makes one test of each conformance case, for one kind of store: see
/// [`crate::conformance::stores`].
#[macro_export]
macro_rules! store_conformance {
    (
        block_on = $block_on:path,
        store = $store:path,
        operations = $operations:expr
        $(, lanes = $lanes:expr)? $(,)?
    ) => {
        $crate::store_conformance! {
            @cases $block_on, $store;
            documents::an_unknown_book_has_nothing,
            documents::documents_come_with_their_head_in_order,
            documents::every_kind_is_made_changed_and_removed,
            documents::changes_of_one_object_apply_in_order,
            documents::a_document_that_is_not_there_is_removed_without_error,
            documents::a_book_may_have_no_document,
            transactions::reads_by_id_leave_out_what_is_not_there,
            transactions::a_transaction_of_another_book_is_not_there,
            transactions::one_id_in_two_books_names_two_transactions,
            transactions::updates_replace_every_field,
            transactions::removed_transactions_are_gone_with_their_origins,
            transactions::changes_of_one_transaction_apply_in_order,
            transactions::many_ids_are_read_at_once,
            pages::pages_follow_date_and_id_through_ties,
            pages::limits_of_nothing_one_all_and_more,
            pages::a_position_need_not_be_a_transaction,
            pages::every_filter_alone,
            pages::filters_hold_together,
            pages::a_category_is_found_in_parts_once,
            pages::text_is_found_without_letter_case,
            pages::signs_of_patterns_are_plain_text,
            pages::deleted_transactions_are_listed_on_request,
            pages::a_page_is_of_one_book,
            columns::columns_come_in_the_order_of_ids,
            columns::columns_tell_what_counts,
            columns::columns_of_every_transaction_agree_with_the_rows,
            snapshots::the_last_view_comes_back_or_none,
            origins::origins_are_found_by_day,
            origins::origins_are_found_by_bank_id_on_any_day,
            origins::an_origin_keeps_its_account_and_its_order,
            origins::origins_of_deleted_transactions_are_found,
            origins::many_bank_ids_are_asked_at_once,
            commits::the_first_commit_makes_the_book,
            commits::a_commit_on_an_older_head_is_a_conflict_and_leaves_nothing,
            commits::a_commit_that_skips_is_a_conflict,
            commits::a_repeated_commit_is_a_conflict,
            commits::a_used_key_is_a_conflict_and_leaves_nothing,
            commits::a_key_belongs_to_one_book,
            commits::answers_come_back_as_they_were,
            commits::ten_thousand_changes_are_one_commit,
            commits::of_commits_at_once_one_wins,
            commits::a_commit_without_changes_moves_the_head,
            commits::a_caller_that_stops_waiting_leaves_all_or_nothing,
            erasures::all_texts_go_wherever_they_are,
            erasures::chosen_texts_go_and_no_other,
            erasures::erased_answers_keep_their_keys,
            erasures::no_earlier_view_comes_back,
            erasures::an_erasure_on_another_head_destroys_nothing,
            erasures::an_abandoned_erasure_leaves_all_or_nothing,
            seals::bodies_go_and_nothing_else,
            seals::no_view_of_before_comes_back,
            seals::a_seal_waits_for_sinks,
            seals::a_seal_on_another_head_drops_nothing,
            seals::an_abandoned_seal_leaves_all_or_nothing,
            history::commits_come_back_byte_for_byte_and_verify,
            history::the_history_is_read_in_parts,
            history::large_commits_are_read_a_few_at_a_time,
            history::two_histories_do_not_mix,
            tree::nodes_come_with_their_commit,
            tree::nodes_are_kept_once,
            tree::the_tree_is_the_one_from_scratch,
            values::texts_come_back_byte_for_byte,
            values::amounts_and_dates_at_their_ends,
            values::currencies_come_back_with_their_exponent,
            values::ids_sort_by_their_bytes,
            values::lists_and_maps_at_their_limits,
            deliveries::a_delivery_comes_back_as_it_was,
            deliveries::a_step_that_does_not_fit_is_a_conflict_and_leaves_nothing,
            deliveries::set_aside_events_are_read_in_order,
            deliveries::books_wait_for_each_sink,
            deliveries::waiting_books_are_found_in_parts,
            deliveries::of_steps_at_once_one_wins,
            deliveries::an_abandoned_step_leaves_all_or_nothing,
            kept::rows_hold_what_reads_answer,
            kept::answers_come_in_the_order_of_keys,
            kept::sinks_are_told_with_their_places,
            lifecycle::a_closed_store_answers_closed,
            lifecycle::closing_twice_is_no_error,
            lifecycle::abandoned_reads_leave_the_store_as_it_was,
            lifecycle::reads_at_once_see_whole_commits,
        }

        /// Holds: a long row of random commands leaves the store and a naive twin alike, after
        /// every single one.
        #[test]
        fn random_commands_agree_with_a_naive_twin() {
            let (operations, lanes) = ($operations, [$($lanes,)? 1][0]);
            $crate::conformance::stores::model::in_lanes(lanes, operations, |of_lane, first| {
                $block_on($crate::conformance::stores::model::run($store, of_lane, first));
            });
            println!("{operations} random commands, 0 differences");
        }
    };
    (@cases $block_on:path, $store:path; $($topic:ident::$case:ident,)*) => {$(
        #[test]
        fn $case() {
            $block_on(async {
                let (store, guard) = $store().await;
                $crate::conformance::stores::$topic::$case(store).await;
                drop(guard);
            });
        }
    )*};
}

#[cfg(test)]
mod tests {
    //! That the list of cases is whole.

    #[test]
    fn every_case_is_in_the_list() {
        // Holds: a case that somebody writes is run by every store.
        let list = include_str!("mod.rs");
        let topics = [
            ("columns", include_str!("columns.rs")),
            ("commits", include_str!("commits.rs")),
            ("deliveries", include_str!("deliveries.rs")),
            ("documents", include_str!("documents.rs")),
            ("erasures", include_str!("erasures.rs")),
            ("history", include_str!("history.rs")),
            ("kept", include_str!("kept.rs")),
            ("lifecycle", include_str!("lifecycle.rs")),
            ("origins", include_str!("origins.rs")),
            ("pages", include_str!("pages.rs")),
            ("transactions", include_str!("transactions.rs")),
            ("tree", include_str!("tree.rs")),
            ("values", include_str!("values.rs")),
        ];
        for (topic, text) in topics {
            let cases = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let cases: Vec<_> = cases.filter_map(|rest| rest.split('(').next()).collect();
            assert!(!cases.is_empty(), "{topic}");
            for case in cases {
                assert!(list.contains(&format!(" {topic}::{case},\n")), "{topic}::{case}");
            }
        }
    }
}

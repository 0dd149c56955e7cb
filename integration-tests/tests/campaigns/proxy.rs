//! Each script of the fault proxy a few times, and some histories of three clients.

use pravega_integration_tests::{
    campaign::{Plan, Report},
    proxy,
};

/// Runs of each script. Seeds are the same every time.
const RUNS: u64 = 3;

fn assert_clean(report: &Report) {
    assert!(report.is_clean(), "{report}");
}

/// A test for each script, under its own name.
macro_rules! scripts {
    ($($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                assert_clean(&proxy::run_script(stringify!($name), &Plan::new(RUNS)));
            }
        )*

        #[test]
        fn every_script_has_a_test() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(proxy::scripts().collect::<Vec<_>>(), tested);
        }
    };
}

scripts! {
    t29_requests_cut_inside,
    t29_replies_cut_inside,
    n02_cut_behind_requests,
    n02_cut_behind_replies,
    n01_appends_lost_in_a_row,
    n01_several_appends_held_then_cut,
    t24_acks_lost_in_a_row,
    n03_all_connections_cut,
    n02_an_ack_lost_and_no_cut,
    n02_an_answer_lost_and_no_cut,
    n05_requests_in_pieces,
    n05_replies_in_pieces,
    n04_a_request_is_never_heard,
    n04_a_reply_never_comes,
    n06_a_request_stops_inside,
    n06_a_reply_stops_inside,
    n12_acks_come_late,
    n12_replies_stop_inside_and_go_on,
    n07_a_late_copy_behind_the_new_setup,
    n07_a_late_copy_behind_the_resent_append,
    n07_late_copies_of_several_connections,
    n10_another_protocol_answers,
    p13_no_common_version,
    p13_another_version_of_ours,
    p12_a_second_hello,
    p01_huge_lengths_announced,
    p02_an_unknown_reply,
    p03_lengths_that_lie,
    p03_flipped_bits_in_the_head_of_a_frame,
    p05_a_setup_answered_twice,
    p05_a_setup_for_another_writer,
    p05_a_setup_for_another_segment,
    t30_a_setup_beyond_what_was_sent,
    p06_a_setup_below_the_acked,
    t35_acks_twice,
    t35_an_earlier_ack_again,
    t35_an_ack_for_another_writer,
    p08_an_ack_above_the_highest_sent,
    p09_an_ack_behind_a_gap,
    p07_an_ack_that_ends_elsewhere,
    p07_acks_without_an_offset,
    p11_an_invalid_number_in_the_place_of_an_ack,
    t31_an_invalid_number_and_nothing_stored,
    p10_a_failed_condition_and_nothing_stored,
    p10_a_failed_condition_of_another_block,
    n07_a_failure_of_an_earlier_setup,
    s01_a_setup_refused,
    s01_an_append_refused,
    s01_a_read_refused,
    s01_a_question_refused,
    t79_expired_tokens_renewed,
    t79_expired_tokens_without_end,
    t02_tokens_refused_without_end,
    t80_a_token_refused_with_the_offset_as_id,
    t80_tokens_refused_with_other_ids,
    t41_a_read_answered_at_another_offset,
    t41_a_read_answered_for_another_segment,
    t41_a_read_answered_twice,
    t41_a_reply_with_an_unknown_id,
    t41_a_failure_with_an_unknown_id,
    t41_a_read_answered_by_another_kind_of_reply,
    t38_short_replies,
    t38_replies_of_one_byte,
    t40_empty_replies,
    t40_hints_at_the_tail_that_are_wrong,
    t33_a_store_that_accepts_and_closes,
    t33_a_store_that_closes_at_the_hello,
    n11_the_controller_is_down,
    n11_the_store_is_down,
    n11_both_are_down,
    k04_the_controller_hangs,
    t34_the_segment_moves,
    t34_the_segment_moves_while_the_controller_is_down,
    t34_wrong_host_again_and_again,
    a08_wrong_host_without_end,
    n08_the_address_refuses,
    n08_the_name_has_no_address,
    k02_absurd_addresses,
    s02_sealed_under_way,
    s02_sealed_behind_a_lost_ack,
    s03_truncated_under_way,
    s04_deleted_under_way,
    s07_a_rival_writes,
    s07_a_rival_writes_where_an_append_was_lost,
    s08_a_rival_writes_while_a_copy_is_under_way,
    p14_questions_dropped_half_way,
    p14_answers_behind_the_timeout,
}

#[test]
fn s07_histories_of_three_clients_are_linearizable() {
    assert_clean(&proxy::run_histories(&Plan::new(20)));
}

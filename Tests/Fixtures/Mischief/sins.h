/* Every sin that the option `sin` can pick, with the rule that it breaks.  "none" is a right plugin.
 *
 * Sins of loading come before any option is known: the environment variable MISCHIEF_LOADING picks those. */
#ifndef SINS_H
#define SINS_H

#define SINS(X)                                                                     \
  X(none, "does everything right")                                                  \
  /* creation */                                                                    \
  X(create_null_out, "create returns MLP_OK and no instance")                       \
  X(create_no_reason, "create fails and gives no reason")                           \
  X(create_crash, "create reads a null pointer")                                    \
  X(create_hang, "create never returns")                                            \
  X(create_exit, "create ends the process")                                         \
  X(keeps_config, "reads create's config in prepare")                               \
  /* extensions */                                                                  \
  X(short_table, "answers with a table that is too short")                          \
  X(changing_answer, "answers with another table each time")                        \
  X(null_function, "answers with a table that lacks a required function")           \
  X(no_inference, "offers no inference")                                            \
  X(no_dataset, "offers no data set")                                               \
  X(misaligned_table, "answers with an address that no table can have")             \
  X(accepts_any_id, "answers to identifiers that do not exist")                     \
  /* life cycle */                                                                  \
  X(prepare_fails, "prepare fails with a reason")                                   \
  X(prepare_crash, "prepare reads a null pointer")                                  \
  X(prepare_hang, "prepare never returns")                                          \
  X(start_hang, "start never returns")                                              \
  X(stop_hang, "stop never returns")                                                \
  X(stop_crash, "stop reads a null pointer")                                        \
  X(late_completion, "completes a sample after stop has returned")                  \
  X(destroy_hang, "destroy never returns")                                          \
  X(destroy_crash, "destroy reads a null pointer")                                  \
  X(leaks, "keeps a descriptor and a megabyte of every instance")                   \
  /* data set */                                                                    \
  X(empty_dataset, "has no samples")                                                \
  X(absurd_performance, "fits more samples in memory than there are")               \
  X(load_fails, "load fails with a reason")                                         \
  X(load_hang, "load never returns")                                                \
  X(payload_fails, "payload fails with a reason")                                   \
  /* samples */                                                                     \
  X(double_completion, "completes every sample twice")                              \
  X(zero_id, "completes a sample with id 0")                                        \
  X(forged_id, "completes a sample that was never issued")                          \
  X(stale_id, "completes a sample of the query before again")                       \
  X(same_id_in_batch, "completes a sample twice in one batch")                      \
  X(first_token_twice, "reports the first token twice")                             \
  X(first_token_late, "reports the first token after completion")                   \
  X(null_data, "gives a result of 16 bytes at NULL")                                \
  X(null_results, "gives a batch of 4 results at NULL")                             \
  X(failed_samples, "completes every sample with a failure")                        \
  X(issue_fails, "issue fails with a reason")                                       \
  X(wrong_bytes, "gives another result each time, though it claims determinism")    \
  /* hanging */                                                                     \
  X(issue_hang, "issue never returns")                                              \
  X(issue_slow, "issue takes 400 ms")                                               \
  X(flush_hang, "flush never returns")                                              \
  X(never_completes, "completes no sample")                                         \
  X(all_but_one, "completes all samples but the first")                             \
  X(cancel_hang, "completes nothing, and cancel never returns")                     \
  X(ignores_cancel, "completes nothing, not even what is cancelled")                \
  /* crashing */                                                                    \
  X(issue_crash, "issue reads a null pointer")                                      \
  X(issue_abort, "issue aborts")                                                    \
  X(issue_trap, "issue executes an illegal instruction")                            \
  X(stack_overflow, "issue recurses without end")                                   \
  X(issue_exit, "issue ends the process with status 0")                             \
  X(kills_itself, "issue kills the process")                                        \
  X(thread_crash, "a thread of the plugin's reads a null pointer")                  \
  X(closes_descriptors, "closes every descriptor")                                  \
  X(signal_handlers, "installs signal handlers")                                    \
  X(changes_locale, "changes the process's locale")                                 \
  X(changes_folder, "changes the working folder")                                   \
  X(prints, "writes to standard output")                                            \
  /* threads */                                                                     \
  X(nested_parallel_for, "calls parallel_for inside a body")                        \
  X(many_threads, "completes from 64 threads at once, which is allowed")            \
  /* weights */                                                                     \
  X(overflowing_shape, "declares a tensor of 2^66 elements")                        \
  X(absurd_rank, "declares a tensor of rank 2^32 - 1")                              \
  X(missing_scales, "declares scales that are no tensor")                           \
  X(cyclic_scales, "declares two tensors that scale each other")                    \
  X(bad_shard_axis, "shards a tensor along an axis that it does not have")          \
  X(duplicate_tensor, "declares a tensor twice")                                    \
  X(null_tensor_name, "declares a tensor without a name")                           \
  X(absent_tensor, "declares a tensor that no file has")                            \
  X(bad_source, "declares a placement of a tensor that it does not have")           \
  X(bind_fails, "bind fails with a reason")                                         \
  /* kernels */                                                                     \
  X(bad_signature, "declares a kernel with an unknown letter")                      \
  X(null_twin, "launches a kernel that has no twin")                                \
  X(wrong_argument_count, "launches a kernel with too few arguments")               \
  X(kernel_out_of_range, "launches a kernel that it did not declare")               \
  X(enormous_grid, "launches a grid of 2^96 blocks")                                \
  X(wrong_twin, "brings a twin that does not compute what its example says")        \
  X(split_dependent_twin, "brings a twin whose result depends on how blocks are split") \
  /* tokenizer */                                                                   \
  X(overruns_capacity, "writes more tokens than the buffer holds")                  \
  X(lying_count, "reports another count the second time")                           \
  X(accepts_any_token, "decodes tokens beyond its vocabulary")                      \
  /* quantisation */                                                                \
  X(null_layers, "declares a layer at NULL")                                        \
  X(nameless_weight, "declares a layer whose weight is another tensor")             \
  X(unwanted_rows, "hands over rows that nobody wants")                             \
  X(silent_layer, "hands over no rows")                                             \
  X(silent_output, "hands over no output rows")                                     \
  X(remembers_sample, "mixes the sample before into the rows of this one")          \
  X(changing_state, "gives another state each time")                                \
  X(overruns_state, "writes past the end of a state")

#endif /* SINS_H */

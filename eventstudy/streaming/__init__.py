"""The batched engine for any number of events: linear models, closed-form tests, two passes.

Memory is bounded by the part that is worked on, not by the number of events. The numbers are
those of `eventstudy.abnormal` and `eventstudy.significance`, but for the order of summation.
"""

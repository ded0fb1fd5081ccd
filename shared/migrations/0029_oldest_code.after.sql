-- oldest-code: 0.4.0
-- Code of 0.3 keeps what is due later in delivery_waiting, which 0021 took away.
select;

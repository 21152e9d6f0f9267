-- The reference: the same move on the same tables, guards and durability, with nothing of ours around it.
CREATE OR REPLACE FUNCTION bench_move(payer bigint, payee bigint, much numeric, fee_account bigint, fee numeric)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE made bigint; coin bigint; p ledger_account; r ledger_account; line bigint;
BEGIN
    INSERT INTO ledger_transaction (kind, scope, key, request_hash, memo, created_at)
    VALUES ('move', 'pgbench', gen_random_uuid()::text, '', '', now())
    ON CONFLICT (scope, key) DO NOTHING RETURNING id INTO made;
    PERFORM 1 FROM ledger_account WHERE id IN (payer, payee) ORDER BY id FOR NO KEY UPDATE;
    UPDATE ledger_account SET debits = debits + much + fee, version = version + CASE WHEN fee > 0 THEN 2 ELSE 1 END
    WHERE id = payer RETURNING * INTO p;
    UPDATE ledger_account SET credits = credits + much, version = version + 1 WHERE id = payee RETURNING * INTO r;
    IF fee > 0 THEN
        INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount, debit_seq,
            debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)
        VALUES (made, 0, p.coin_id, payer, payee, much, p.version - 1, p.debits - fee, p.credits,
            r.version, r.debits, r.credits),
            (made, 1, p.coin_id, payer, fee_account, fee, p.version, p.debits, p.credits, NULL, NULL, NULL);
        SELECT id INTO line FROM ledger_posting WHERE transaction_id = made AND number = 1;
        INSERT INTO ledger_queue (posting_id, side, account_id, amount) VALUES (line, 'credit', fee_account, fee);
    ELSE
        INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount, debit_seq,
            debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)
        VALUES (made, 0, p.coin_id, payer, payee, much, p.version, p.debits, p.credits,
            r.version, r.debits, r.credits);
    END IF;
    RETURN made;
END $$;

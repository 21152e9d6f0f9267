CREATE OR REPLACE FUNCTION ledger_post(
    a_kind text, a_scope text, a_key text, a_hash text, an_actor bigint, a_memo text, a_reversed bigint,
    a_time timestamptz, owned bigint[], debited bigint[], credited bigint[], amounts numeric[],
    OUT outcome text, OUT made bigint, OUT available numeric) LANGUAGE plpgsql AS $$
DECLARE
    leg int; coin bigint; side ledger_account; shared_legs boolean := false; nothing ledger_account;
    d_seqs bigint[]; d_debits numeric[]; d_credits numeric[]; c_seqs bigint[]; c_debits numeric[]; c_credits numeric[];
BEGIN
    INSERT INTO ledger_transaction (kind, scope, key, request_hash, actor_id, memo, reverses_id, created_at)
    VALUES (a_kind, a_scope, a_key, a_hash, an_actor, a_memo, a_reversed, a_time)
    ON CONFLICT (scope, key) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        outcome := 'known';
        RETURN;
    END IF;
    IF cardinality(owned) > 0 THEN
        PERFORM 1 FROM ledger_account WHERE id = ANY (owned) ORDER BY id FOR NO KEY UPDATE;
    END IF;
    FOR leg IN 1 .. cardinality(amounts) LOOP
        side := nothing;
        IF debited[leg] = ANY (owned) THEN
            UPDATE ledger_account SET debits = debits + amounts[leg], version = version + 1
            WHERE id = debited[leg] AND debits + amounts[leg] <= credits RETURNING * INTO side;
            IF NOT FOUND THEN
                outcome := 'short';
                SELECT a.credits - a.debits + coalesce(sum(l.amount) FILTER (WHERE l.debit = a.id), 0)
                       - coalesce(sum(l.amount) FILTER (WHERE l.credit = a.id), 0) INTO available
                FROM ledger_account a
                LEFT JOIN unnest(debited[:leg - 1], credited[:leg - 1], amounts[:leg - 1])
                    AS l (debit, credit, amount) ON a.id IN (l.debit, l.credit)
                WHERE a.id = debited[leg] GROUP BY a.id;
                RETURN;
            END IF;
        ELSE
            shared_legs := true;
        END IF;
        coin := coalesce(side.coin_id, coin);
        d_seqs[leg] := side.version; d_debits[leg] := side.debits; d_credits[leg] := side.credits;
        side := nothing;
        IF credited[leg] = ANY (owned) THEN
            UPDATE ledger_account SET credits = credits + amounts[leg], version = version + 1
            WHERE id = credited[leg] RETURNING * INTO side;
        ELSE
            shared_legs := true;
        END IF;
        coin := coalesce(side.coin_id, coin);
        c_seqs[leg] := side.version; c_debits[leg] := side.debits; c_credits[leg] := side.credits;
    END LOOP;
    IF coin IS NULL THEN
        SELECT coin_id INTO coin FROM ledger_account WHERE id = debited[1];
    END IF;
    IF NOT shared_legs THEN
        INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount,
            debit_seq, debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)
        SELECT made, l.n - 1, coin, l.d, l.c, l.a, l.ds, l.dd, l.dc, l.cs, l.cd, l.cc
        FROM unnest(debited, credited, amounts, d_seqs, d_debits, d_credits, c_seqs, c_debits, c_credits)
            WITH ORDINALITY AS l (d, c, a, ds, dd, dc, cs, cd, cc, n);
    ELSE
        WITH fresh AS (
            INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount,
                debit_seq, debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)
            SELECT made, l.n - 1, coin, l.d, l.c, l.a, l.ds, l.dd, l.dc, l.cs, l.cd, l.cc
            FROM unnest(debited, credited, amounts, d_seqs, d_debits, d_credits, c_seqs, c_debits, c_credits)
                WITH ORDINALITY AS l (d, c, a, ds, dd, dc, cs, cd, cc, n)
            RETURNING id, debit_id, credit_id, amount, debit_seq, credit_seq
        )
        INSERT INTO ledger_queue (posting_id, side, account_id, amount)
        SELECT id, 'debit', debit_id, amount FROM fresh WHERE debit_seq IS NULL
        UNION ALL
        SELECT id, 'credit', credit_id, amount FROM fresh WHERE credit_seq IS NULL;
    END IF;
    outcome := 'made';
END $$;

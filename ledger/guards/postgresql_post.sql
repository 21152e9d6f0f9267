CREATE OR REPLACE FUNCTION ledger_post(
    a_kind text, a_scope text, a_key text, a_hash text, an_actor bigint, a_memo text, a_reversed bigint,
    a_time timestamptz, owned bigint[], debited bigint[], credited bigint[], amounts numeric[],
    OUT outcome text, OUT made bigint, OUT available numeric) LANGUAGE plpgsql AS $$
DECLARE
    leg int; many int; total numeric; coin bigint; side ledger_account; paid ledger_account;
    shared_legs boolean := false; nothing ledger_account;
    d_seqs bigint[]; d_debits numeric[]; d_credits numeric[]; c_seqs bigint[]; c_debits numeric[]; c_credits numeric[];
BEGIN
    INSERT INTO ledger_transaction (kind, scope, key, request_hash, actor_id, memo, reverses_id, created_at)
    VALUES (a_kind, a_scope, a_key, a_hash, an_actor, a_memo, a_reversed, a_time)
    ON CONFLICT (scope, key) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        outcome := 'known';
        RETURN;
    END IF;
    many := cardinality(amounts);
    IF (many = 1 OR many = 2 AND debited[2] = debited[1] AND NOT credited[2] = ANY (owned))
       AND debited[1] = ANY (owned) AND credited[1] = ANY (owned) THEN
        -- From one owned account to another, and a part of it to a shared one: nearly every payment. Both rows are
        -- locked by their own updates, the lower id first.
        IF credited[1] < debited[1] THEN
            UPDATE ledger_account SET credits = credits + amounts[1], version = version + 1
            WHERE id = credited[1] RETURNING * INTO paid;
        END IF;
        total := amounts[1] + CASE many WHEN 2 THEN amounts[2] ELSE 0 END;
        UPDATE ledger_account SET debits = debits + total, version = version + many
        WHERE id = debited[1] AND debits + total <= credits RETURNING * INTO side;
        IF NOT FOUND THEN
            outcome := 'short';
            SELECT a.credits - a.debits INTO available FROM ledger_account a WHERE a.id = debited[1];
            RETURN;
        END IF;
        IF credited[1] > debited[1] THEN
            UPDATE ledger_account SET credits = credits + amounts[1], version = version + 1
            WHERE id = credited[1] RETURNING * INTO paid;
        END IF;
        IF many = 1 THEN
            INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount,
                debit_seq, debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)
            VALUES (made, 0, side.coin_id, side.id, paid.id, total, side.version, side.debits, side.credits,
                paid.version, paid.debits, paid.credits);
        ELSE
            INSERT INTO ledger_posting (transaction_id, number, coin_id, debit_id, credit_id, amount,
                debit_seq, debit_debits, debit_credits, credit_seq, credit_debits, credit_credits)
            VALUES (made, 0, side.coin_id, side.id, paid.id, amounts[1], side.version - 1, side.debits - amounts[2],
                side.credits, paid.version, paid.debits, paid.credits),
                (made, 1, side.coin_id, side.id, credited[2], amounts[2], side.version, side.debits, side.credits,
                NULL, NULL, NULL);
            INSERT INTO ledger_queue (posting_id, side, account_id, amount)
            SELECT id, 'credit', credit_id, amount FROM ledger_posting WHERE transaction_id = made AND number = 1;
        END IF;
        outcome := 'made';
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
---
CREATE OR REPLACE FUNCTION ledger_move(
    a_scope text, a_key text, a_hash text, a_time timestamptz, rules bigint, a_coin bigint,
    payer bigint, payer_number int, payee bigint, payee_number int, amount numeric, fee numeric,
    an_address text, a_comment text, some_tags text, topics text[], mailed boolean[], api_key bigint,
    bill text, OUT outcome text, OUT made bigint, OUT sent bigint, OUT received bigint,
    OUT payer_account bigint, OUT payee_account bigint) LANGUAGE plpgsql AS $$
DECLARE
    fees bigint; available numeric;
BEGIN
    SELECT id INTO payer_account FROM ledger_account
    WHERE coin_id = a_coin AND owner_id = payer AND kind = 'user' AND number = payer_number;
    SELECT id INTO payee_account FROM ledger_account
    WHERE coin_id = a_coin AND owner_id = payee AND kind = 'user' AND number = payee_number;
    IF fee > 0 THEN
        SELECT id INTO fees FROM ledger_account
        WHERE coin_id = a_coin AND owner_id IS NULL AND kind = 'fee_income' AND number = 0;
    END IF;
    IF payer_account IS NULL OR payee_account IS NULL OR fee > 0 AND fees IS NULL THEN
        outcome := 'unopened';
        RETURN;
    END IF;
    IF api_key IS NOT NULL AND EXISTS (SELECT FROM ledger_keycap WHERE key_id = api_key AND coin_id = a_coin) THEN
        outcome := 'counted';
        RETURN;
    END IF;
    sent := nextval('ledger_operation_id_seq');
    received := nextval('ledger_operation_id_seq');
    IF bill <> '' THEN
        UPDATE ledger_invoice SET paid_at = a_time, inside = true, operation_id = received
        WHERE coin_id = a_coin AND payment_hash = bill AND paid_at IS NULL
          AND NOT EXISTS (SELECT FROM ledger_invoicenote n WHERE n.invoice_id = ledger_invoice.id AND n.webhook <> '');
        IF NOT FOUND THEN
            outcome := 'told';
            RETURN;
        END IF;
    END IF;
    IF fee > 0 THEN
        SELECT * INTO outcome, made, available FROM ledger_post('move', a_scope, a_key, a_hash, payer, '', NULL, a_time,
            ARRAY[payer_account, payee_account], ARRAY[payer_account, payer_account], ARRAY[payee_account, fees],
            ARRAY[amount, fee]);
    ELSE
        SELECT * INTO outcome, made, available FROM ledger_post('move', a_scope, a_key, a_hash, payer, '', NULL, a_time,
            ARRAY[payer_account, payee_account], ARRAY[payer_account], ARRAY[payee_account], ARRAY[amount]);
    END IF;
    IF outcome = 'known' AND bill = '' THEN
        RETURN;
    END IF;
    -- What was written above must go again: the caller takes the longer way, which says why.
    IF outcome <> 'made' OR (SELECT number FROM ledger_rulesversion WHERE id = 1) IS DISTINCT FROM rules THEN
        RAISE EXCEPTION 'the payment needs another look' USING ERRCODE = 'LE001';
    END IF;
    INSERT INTO ledger_operation (id, user_id, account_id, counterpart_id, pair_id, incoming, gross, fee, address,
        coin_id, kind, status, transaction_id, needs_user_confirm, needs_admin_confirm, user_confirm, admin_confirm,
        version, confirm_digest, retries, reason, tags, comment, note, extra, txid, payment_hash, confirmations,
        created_at, updated_at, done_at)
    VALUES
        (sent, payer, payer_account, payee, received, false, amount + fee, fee, an_address,
        a_coin, 'move', 'done', made, false, false, false, false,
        1, '', 0, '', some_tags, a_comment, '', '', '', bill, 0, a_time, a_time, a_time),
        (received, payee, payee_account, payer, sent, true, amount, 0, '',
        a_coin, 'move', 'done', made, false, false, false, false,
        1, '', 0, '', some_tags, a_comment, '', '', '', bill, 0, a_time, a_time, a_time);
    INSERT INTO ledger_event (name, user_id, operation_id, data, created_at, mail_due, in_feed)
    VALUES (topics[1], payer, sent, '{}', a_time, mailed[1], false),
        (topics[2], payee, received, '{}', a_time, mailed[2], false);
    IF api_key IS NOT NULL THEN
        INSERT INTO ledger_keyspend (key_id, operation_id) VALUES (api_key, sent);
    END IF;
END $$;

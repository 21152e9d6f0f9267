CREATE OR REPLACE FUNCTION guard_ruleset_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'guard: a version of the rules begins as a draft'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state <> 'draft' AND NOT (
        TG_OP = 'UPDATE' AND OLD.state = 'published' AND NEW.state IN ('ended', 'dropped') AND NEW.ended_at IS NOT NULL
        AND to_jsonb(NEW) - 'state' - 'ended_at' = to_jsonb(OLD) - 'state' - 'ended_at')
    THEN
        RAISE EXCEPTION 'guard: a published version of the rules is only replaced'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
---
CREATE OR REPLACE FUNCTION guard_policyrule_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        touched := ARRAY[NEW.rule_set_id];
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY[OLD.rule_set_id];
    ELSE
        touched := ARRAY[OLD.rule_set_id, NEW.rule_set_id];
    END IF;
    PERFORM 1 FROM ledger_ruleset WHERE id = ANY (touched) FOR SHARE;
    IF EXISTS (SELECT 1 FROM ledger_ruleset WHERE id = ANY (touched) AND state <> 'draft') THEN
        RAISE EXCEPTION 'guard: rules change in drafts alone' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
---
CREATE OR REPLACE TRIGGER guard_ruleset_change BEFORE INSERT OR UPDATE OR DELETE ON ledger_ruleset
FOR EACH ROW EXECUTE FUNCTION guard_ruleset_changed();
---
CREATE OR REPLACE TRIGGER guard_ruleset_truncate BEFORE TRUNCATE ON ledger_ruleset
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('versions of the rules are only replaced');
---
CREATE OR REPLACE TRIGGER guard_policyrule_change BEFORE INSERT OR UPDATE OR DELETE ON ledger_policyrule
FOR EACH ROW EXECUTE FUNCTION guard_policyrule_changed();
---
CREATE OR REPLACE TRIGGER guard_policyrule_truncate BEFORE TRUNCATE ON ledger_policyrule
FOR EACH STATEMENT EXECUTE FUNCTION guard_refuse('versions of the rules are only replaced');

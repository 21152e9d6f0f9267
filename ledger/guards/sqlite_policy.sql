CREATE TRIGGER guard_ruleset_insert BEFORE INSERT ON ledger_ruleset
WHEN NEW.state <> 'draft'
BEGIN SELECT RAISE(ABORT, 'guard: a version of the rules begins as a draft'); END;
---
CREATE TRIGGER guard_ruleset_update BEFORE UPDATE ON ledger_ruleset
WHEN OLD.state <> 'draft' AND NOT (
    OLD.state = 'published' AND NEW.state IN ('ended', 'dropped') AND NEW.ended_at IS NOT NULL
    AND NEW.id = OLD.id AND NEW.note IS OLD.note AND NEW.drafted_by_id IS OLD.drafted_by_id
    AND NEW.editors IS OLD.editors AND NEW.created_at IS OLD.created_at AND NEW.replay IS OLD.replay
    AND NEW.replayed_at IS OLD.replayed_at AND NEW.tighter IS OLD.tighter
    AND NEW.published_by_id IS OLD.published_by_id AND NEW.published_at IS OLD.published_at
    AND NEW.effective_at IS OLD.effective_at)
BEGIN SELECT RAISE(ABORT, 'guard: a published version of the rules is only replaced'); END;
---
CREATE TRIGGER guard_ruleset_delete BEFORE DELETE ON ledger_ruleset
WHEN OLD.state <> 'draft'
BEGIN SELECT RAISE(ABORT, 'guard: a published version of the rules is only replaced'); END;
---
CREATE TRIGGER guard_policyrule_insert BEFORE INSERT ON ledger_policyrule
WHEN (SELECT state FROM ledger_ruleset WHERE id = NEW.rule_set_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'guard: rules change in drafts alone'); END;
---
CREATE TRIGGER guard_policyrule_update BEFORE UPDATE ON ledger_policyrule
WHEN (SELECT state FROM ledger_ruleset WHERE id = OLD.rule_set_id) IS NOT 'draft'
    OR (SELECT state FROM ledger_ruleset WHERE id = NEW.rule_set_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'guard: rules change in drafts alone'); END;
---
CREATE TRIGGER guard_policyrule_delete BEFORE DELETE ON ledger_policyrule
WHEN (SELECT state FROM ledger_ruleset WHERE id = OLD.rule_set_id) IS NOT 'draft'
BEGIN SELECT RAISE(ABORT, 'guard: rules change in drafts alone'); END;

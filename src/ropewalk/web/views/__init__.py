"""What pages show: each module reads the rooms' doors into frozen values; nothing here draws or knows HTTP."""

from ropewalk.web.page import Page
from ropewalk.web.views.compare import comparison
from ropewalk.web.views.data import table_list, table_view
from ropewalk.web.views.deployments import deployment_list, deployment_page
from ropewalk.web.views.experiments import experiment_list, run_table
from ropewalk.web.views.history import history_list, history_page
from ropewalk.web.views.issues import issue_list, issue_page
from ropewalk.web.views.lineage import lineage_page
from ropewalk.web.views.metrics import metric_list, metric_page
from ropewalk.web.views.models import card_page, model_list, model_page, version_page
from ropewalk.web.views.overview import project_overview
from ropewalk.web.views.questions import question_list, question_page
from ropewalk.web.views.run import run_page
from ropewalk.web.views.sql import sql_page
from ropewalk.web.views.traces import trace_page, trace_table

__all__ = ["PAGES"]

PAGES = (
    Page("/", "overview.html", project_overview),
    Page("/data", "tables.html", table_list),
    Page("/data/{name}", "table.html", table_view),
    Page("/metrics", "metrics.html", metric_list),
    Page("/metrics/{name}", "metric.html", metric_page),
    Page("/questions", "questions.html", question_list),
    Page("/questions/{name}", "question.html", question_page),
    Page("/experiments", "experiments.html", experiment_list),
    Page("/experiments/{id}/runs", "runs.html", run_table),
    Page("/experiments/{id}/traces", "traces.html", trace_table),
    Page("/traces/{id}", "trace.html", trace_page),
    Page("/runs", "runs.html", run_table),
    Page("/runs/{id}", "run.html", run_page),
    Page("/compare", "compare.html", comparison),
    Page("/models", "models.html", model_list),
    Page("/models/{name}", "model.html", model_page),
    Page("/models/{name}/{version}/card", "card.html", card_page),
    Page("/models/{name}/{version}", "version.html", version_page),
    Page("/deployments", "deployments.html", deployment_list),
    Page("/deployments/{name}", "deployment.html", deployment_page),
    Page("/lineage", "lineage.html", lineage_page),
    Page("/history", "history.html", history_list),
    Page("/history/{id}", "history_run.html", history_page),
    Page("/sql", "sql.html", sql_page),
    Page("/issues", "issues.html", issue_list),
    Page("/issues/{number}", "issue.html", issue_page),
)

//! `/model/info`.

use serde_json::{Value, json};

use super::answer::{Answer, Asked};
use super::ours::Ours;

/// `GET /model/info` and `/v1/model/info`: to administrators what stands behind each name, to a key what it may call.
pub(super) async fn info(ours: &Ours, mut asked: Asked) -> Answer {
    let wanted = asked.fields.take_text("litellm_model_id");
    asked.finish(&[])?;
    let mut data = Vec::new();
    match ours.get(&asked.headers, "/api/v1/models").await {
        Ok(models) => {
            for model in models["data"].as_array().into_iter().flatten() {
                for deployment in model["deployments"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    data.push(entry(&model["name"], deployment));
                }
            }
        }
        Err(_) => {
            let models = ours.get(&asked.headers, "/v1/models").await?;
            for model in models["data"].as_array().into_iter().flatten() {
                data.push(entry(&model["id"], model["id"].as_str().unwrap_or_default()));
            }
        }
    }
    data.retain(|entry| wanted.as_ref().is_none_or(|id| entry["model_info"]["id"] == **id));
    Ok(json!({"data": data}))
}

fn entry(name: &Value, deployment: &str) -> Value {
    let model = deployment.replacen(':', "/", 1);
    json!({"model_name": name, "litellm_params": {"model": model}, "model_info": {"id": deployment, "db_model": false}})
}

//! Products and their stock.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use common::contract::inventory::{AddStock, NewProduct, Product};
use common::contract::problem::CONTENT_TYPE;
use common::contract::{Code, Problem};
use common::http::{ApiError, BadBody, Json, PathParam, Unavailable};
use common::ids::ProductId;
use sqlx::MySqlPool;

use crate::domain::products::{self, Created, Draft};

/// All products by their ids, at most 1000.
#[utoipa::path(get, path = "/api/inventory/products", tag = "products", responses(
    (status = 200, description = "The products", body = Vec<Product>),
    Unavailable,
))]
pub(super) async fn list(State(pool): State<MySqlPool>) -> Result<Json<Vec<Product>>, ApiError> {
    Ok(Json(products::list(&pool).await?))
}

/// One product.
#[utoipa::path(get, path = "/api/inventory/products/{productId}", tag = "products",
    params(("productId" = ProductId, Path, description = "The product's id")), responses(
    (status = 200, description = "The product", body = Product),
    (status = 404, description = "NOT_FOUND", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: not an id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_id(
    State(pool): State<MySqlPool>,
    PathParam(id): PathParam<ProductId>,
) -> Result<Json<Product>, ApiError> {
    Ok(Json(products::by_id(&pool, id).await?))
}

/// A new product. Repeated with the same name and price, it makes no second one.
#[utoipa::path(post, path = "/api/inventory/products", tag = "products", request_body = NewProduct, responses(
    (status = 200, description = "The product was there, with the same name and price", body = Product),
    (status = 201, description = "The product was made", body = Product,
        headers(("Location" = String, description = "The product's path"))),
    (status = 409, description = "PRODUCT_EXISTS, with another name or price",
        body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: a wrong field", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn create(State(pool): State<MySqlPool>, Json(new): Json<NewProduct>) -> Result<Response, ApiError> {
    let NewProduct { product_id: id, name, price, quantity } = new;
    let name = name.try_into().map_err(|fault: &str| ApiError::field(Code::VALIDATION_FAILED, "name", fault))?;
    Ok(match products::create(&pool, &Draft { id, name, price, quantity }).await? {
        Created::Before(product) => Json(product).into_response(),
        Created::Now(product) => {
            (StatusCode::CREATED, [(LOCATION, format!("/api/inventory/products/{id}"))], Json(product)).into_response()
        }
    })
}

/// Pieces that came in. Repeated under the same `deliveryId`, it adds nothing.
#[utoipa::path(post, path = "/api/inventory/products/{productId}/stock", tag = "products", request_body = AddStock,
    params(("productId" = ProductId, Path, description = "The product's id")), responses(
    (status = 200, description = "The pieces are in the stock", body = Product),
    (status = 404, description = "NOT_FOUND: no such product", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: a wrong field; or IDEMPOTENCY_KEY_REUSED: the delivery came before \
        with another product or quantity", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn add_stock(
    State(pool): State<MySqlPool>,
    PathParam(id): PathParam<ProductId>,
    Json(add): Json<AddStock>,
) -> Result<Json<Product>, ApiError> {
    let delivery_id = add.delivery_id.try_into().map_err(|fault: common::ids::InvalidValue| {
        ApiError::field(Code::VALIDATION_FAILED, "deliveryId", fault.to_string())
    })?;
    Ok(Json(products::receive(&pool, id, &delivery_id, add.quantity).await?))
}

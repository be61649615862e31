//! The routes for products and their stock.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use common::contract::inventory::{AddStock, NewProduct, Product};
use common::contract::problem::CONTENT_TYPE;
use common::contract::{Code, Problem};
use common::http::{ApiError, BadBody, Json, PathParam, Unavailable};
use common::ids::{InvalidValue, ProductId};
use sqlx::MySqlPool;

use crate::domain::products::{self, CreateOutcome, Draft};

/// Lists the products in the order of their ids, at most 1000.
#[utoipa::path(get, path = "/api/inventory/products", tag = "products", responses(
    (status = 200, description = "The products", body = Vec<Product>),
    Unavailable,
))]
pub(super) async fn list(State(pool): State<MySqlPool>) -> Result<Json<Vec<Product>>, ApiError> {
    Ok(Json(products::list(&pool).await?))
}

/// Returns one product.
#[utoipa::path(get, path = "/api/inventory/products/{productId}", tag = "products",
    params(("productId" = ProductId, Path, description = "The product's id")), responses(
    (status = 200, description = "The product", body = Product),
    (status = 404, description = "NOT_FOUND: the product does not exist", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: this is not an id", body = Problem, content_type = CONTENT_TYPE),
    Unavailable,
))]
pub(super) async fn by_id(
    State(pool): State<MySqlPool>,
    PathParam(id): PathParam<ProductId>,
) -> Result<Json<Product>, ApiError> {
    Ok(Json(products::by_id(&pool, id).await?))
}

/// Creates a product. A repeated call with the same name and price changes nothing.
#[utoipa::path(post, path = "/api/inventory/products", tag = "products", request_body = NewProduct, responses(
    (status = 200, description = "The product exists with the same name and price", body = Product),
    (status = 201, description = "The product was created", body = Product,
        headers(("Location" = String, description = "The product's path"))),
    (status = 409, description = "PRODUCT_EXISTS: the product exists with another name or price",
        body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: a field is wrong", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn create(State(pool): State<MySqlPool>, Json(new): Json<NewProduct>) -> Result<Response, ApiError> {
    let NewProduct { product_id: id, name, price, quantity } = new;
    let name = name.try_into().map_err(|error: &str| ApiError::field(Code::VALIDATION_FAILED, "name", error))?;
    Ok(match products::create(&pool, &Draft { id, name, price, quantity }).await? {
        CreateOutcome::AlreadyExists(product) => Json(product).into_response(),
        CreateOutcome::Created(product) => {
            (StatusCode::CREATED, [(LOCATION, format!("/api/inventory/products/{id}"))], Json(product)).into_response()
        }
    })
}

/// Adds the units of a delivery to the stock. A repeated call with the same `deliveryId` adds nothing.
#[utoipa::path(post, path = "/api/inventory/products/{productId}/stock", tag = "products", request_body = AddStock,
    params(("productId" = ProductId, Path, description = "The product's id")), responses(
    (status = 200, description = "The units are in stock", body = Product),
    (status = 404, description = "NOT_FOUND: the product does not exist", body = Problem, content_type = CONTENT_TYPE),
    (status = 422, description = "VALIDATION_FAILED: a field is wrong. IDEMPOTENCY_KEY_REUSED: the delivery was added \
        before with another product or quantity", body = Problem, content_type = CONTENT_TYPE),
    BadBody,
    Unavailable,
))]
pub(super) async fn add_stock(
    State(pool): State<MySqlPool>,
    PathParam(id): PathParam<ProductId>,
    Json(add): Json<AddStock>,
) -> Result<Json<Product>, ApiError> {
    let delivery_id = add
        .delivery_id
        .try_into()
        .map_err(|error: InvalidValue| ApiError::field(Code::VALIDATION_FAILED, "deliveryId", error.to_string()))?;
    Ok(Json(products::add_delivery(&pool, id, &delivery_id, add.quantity).await?))
}
